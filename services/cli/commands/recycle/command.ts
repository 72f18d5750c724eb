import type { Command } from "commander";
import type { CommandContext } from "../../context.ts";
import { addCommand, type Finish, runs, shared, trains } from "../../options.ts";

/** `ratatouille recycle <file>` */
export function defineRecycle(program: Command, context: CommandContext, finish: Finish): void {
  const command = addCommand(
    program,
    "recycle <file>",
    `Run a run file, or go on with it, and write the report.

A run file names a folder of images, a foundation and its fine-tunings; ratatouille init writes one, examples/ has others. What was done \
already is not done again.`,
    `  ratatouille recycle examples/digits.yaml
  ratatouille recycle examples/digits-full.yaml --out out/full --trainers 2
  ratatouille recycle birds.yaml --dry-run
  ratatouille recycle examples/tiny.yaml --json | tail -n 1`,
  );
  trains(shared(command))
    .option("--out <directory>", "where the report and the models go (default: out/<name>)")
    .option("--quiet", "no progress")
    .option("--dry-run", "say what the run would do, train nothing and store nothing")
    .option("--all", "with --dry-run: every training with its numbers")
    .action(runs(finish, async (file: string, options) => (await import("./recycle.ts")).recycle(file, options, context)));
}
