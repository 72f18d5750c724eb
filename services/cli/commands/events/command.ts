import type { Command } from "commander";
import type { CommandContext } from "../../context.ts";
import { parseDuration } from "../../duration.ts";
import { addCommand, type Finish, runs, shared } from "../../options.ts";

/** `ratatouille events` */
export function defineEvents(program: Command, context: CommandContext, finish: Finish): void {
  const command = addCommand(
    program,
    "events",
    "What has happened in a system lately, one line each.",
    `  ratatouille events --since 10m
  ratatouille events --follow
  ratatouille events --follow --since 1h --json`,
  );
  shared(command)
    .option("--follow", "show what happens from now on, until Ctrl-C")
    .option("--since <time>", "begin so long ago, such as 90s, 10m, 2h or 1d (default: 1h; with --follow: now)", parseDuration)
    .action(runs(finish, async (options) => (await import("./events.ts")).showEvents(options, context)));
}
