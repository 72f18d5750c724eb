import type { Command } from "commander";
import type { CommandContext } from "../../context.ts";
import { addCommand, type Finish, runs, shared } from "../../options.ts";
import { HOW_NAMES_WORK } from "../names.ts";

/** `ratatouille diff <name> <name>` */
export function defineDiff(program: Command, context: CommandContext, finish: Finish): void {
  const command = addCommand(
    program,
    "diff <name> <name>",
    `What is different between two models: how they were made, what was measured, and every tensor.${HOW_NAMES_WORK}`,
    "  ratatouille diff birds:1.0 birds:1.1\n  ratatouille diff birds:1.0 birds:1.1 --tensors",
  );
  shared(command)
    .option("--tensors", "compare the weights too: all of them are read once")
    .action(runs(finish, async (from: string, to: string, options) => (await import("./diff.ts")).diff(from, to, options, context)));
}
