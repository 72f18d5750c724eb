import type { Command } from "commander";
import type { CommandContext } from "../../context.ts";
import { addCommand, type Finish, runs, shared, trains } from "../../options.ts";
import { HOW_NAMES_WORK } from "../names.ts";

/** `ratatouille reproduce <name>` */
export function defineReproduce(program: Command, context: CommandContext, finish: Finish): void {
  const command = addCommand(
    program,
    "reproduce <name>",
    `Run the recipe of an artifact again and compare digests, or \
accuracies and losses where it is approximate; 1 if they differ.${HOW_NAMES_WORK}`,
    "  ratatouille reproduce digits/seed-10/held-out-25",
  );
  trains(shared(command))
    .option("--quiet", "no progress")
    .action(runs(finish, async (name: string, options) => (await import("./reproduce.ts")).reproduce(name, options, context)));
}
