import type { Command } from "commander";
import type { CommandContext } from "../../context.ts";
import { addCommand, type Finish, runs, shared } from "../../options.ts";

/** `ratatouille usage` */
export function defineUsage(program: Command, context: CommandContext, finish: Finish): void {
  const command = addCommand(
    program,
    "usage [name]",
    `How much is stored, by the names that need it.

NAME is the beginning of names: birds/ tells of birds/small and birds/large. What several names need counts for each of them.`,
    "  ratatouille usage\n  ratatouille usage birds/\n  ratatouille usage --annotation team",
  );
  shared(command)
    .option("--annotation <name>", "by the values of an annotation instead")
    .action(runs(finish, async (prefix: string | undefined, options) => (await import("./usage.ts")).usage(prefix, options, context)));
}
