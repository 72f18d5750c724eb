import type { Command } from "commander";
import { ExitCode } from "#libs/service/process";
import type { CommandContext, GlobalOptions } from "../../context.ts";
import { type Finish, shared } from "../../options.ts";

/** From the start of the process on. Who presses Tab waits for it. */
const LIMIT_MS = 950;

/**
 * `ratatouille names <kind> [words...]`, for the scripts of completion: what there is to be named, one a line, newest first; at the end of
 * its time, and where anything is wrong, nothing. The words are those of the line that is completed, and say which system.
 */
export function defineNames(program: Command, context: CommandContext, finish: Finish): void {
  shared(program.command("names <kind> [words...]", { hidden: true }))
    .helpOption(false)
    .allowUnknownOption()
    .action(async (kind: string, _: readonly string[], options: GlobalOptions) => {
      // Nothing is held that an end at any time could leave behind.
      setTimeout(() => process.exit(ExitCode.done), Math.max(0, LIMIT_MS - performance.now())).unref();
      try {
        const { namesOf } = await import("./names.ts");
        const names = await namesOf(kind, options, context);
        context.stdout.write(names.map((name) => `${name}\n`).join(""));
      } catch {
        // Whoever runs the command itself is told.
      }
      finish(ExitCode.done);
    });
}
