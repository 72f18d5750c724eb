import type { Command } from "commander";
import type { CommandContext } from "../../context.ts";
import { addCommand, type Finish, runs, shared } from "../../options.ts";

/** `ratatouille fsck` */
export function defineFsck(program: Command, context: CommandContext, finish: Finish): void {
  const command = addCommand(
    program,
    "fsck",
    `Check everything that is stored: every byte of every blob, every manifest, every reference.

What is damaged is set aside, and its artifacts are marked: their recipes can run again. Exit code 1 where anything is wrong.`,
    "  ratatouille fsck\n  ratatouille fsck --resume blobs/sha256:…",
  );
  shared(command)
    .option("--resume <token>", "go on behind where an earlier check says that it was")
    .action(runs(finish, async (options) => (await import("./fsck.ts")).fsck(options, context)));
}
