import type { Command } from "commander";
import type { CommandContext } from "../../context.ts";
import { addCommand, type Finish, runs, shared } from "../../options.ts";

/** `ratatouille gc` */
export function defineGc(program: Command, context: CommandContext, finish: Finish): void {
  const command = addCommand(
    program,
    "gc",
    "Delete artifacts and blobs that no name, no run, no retention rule and no other artifact needs. What is younger than an hour stays.",
    "  ratatouille gc --dry-run",
  );
  shared(command)
    .option("--dry-run", "say what would go, delete nothing")
    .action(runs(finish, async (options) => (await import("./collect-garbage.ts")).collectGarbage(options, context)));
}
