import type { Command } from "commander";
import type { CommandContext } from "../../context.ts";
import { addCommand, type Finish, runs, shared } from "../../options.ts";
import { HOW_NAMES_WORK } from "../names.ts";

/** `ratatouille annotate <name>` */
export function defineAnnotate(program: Command, context: CommandContext, finish: Finish): void {
  const command = addCommand(
    program,
    "annotate <name> [note...]",
    `Note something of an artifact, to search by: name=value. Without a note, show what is noted.${HOW_NAMES_WORK}`,
    "  ratatouille annotate birds:1.0 team=vision task=image-classification\n  ratatouille annotate birds:1.0 --remove team",
  );
  shared(command)
    .option("--remove <name...>", "annotations to take away")
    .action(
      runs(finish, async (name: string, notes: string[], options) =>
        (await import("./annotate.ts")).annotate(name, notes, options, context),
      ),
    );
}
