import { Argument, type Command } from "commander";
import type { CommandContext } from "../../context.ts";
import { addCommand, type Finish, runs } from "../../options.ts";
import type { SetupCommandOptions } from "./setup.ts";

/** `ratatouille setup <what>` */
export function defineSetup(program: Command, context: CommandContext, finish: Finish): void {
  addCommand(
    program,
    "setup",
    `Install TensorFlow, which trains networks of images: tensorflow, or \
tensorflow-gpu for NVIDIA's GPUs.

It goes into the user's cache (~/.cache/ratatouille/tensorflow, or below $XDG_CACHE_HOME): 0.2 GB are downloaded and 0.6 GB stay, for \
tensorflow-gpu with NVIDIA's libraries 3.4 GB and 6.5 GB. python3 with pip, and npm, fetch the packages, with their settings of this user, and each is \
compared with its checksum. The binding is compiled with g++ or clang++; where neither is there, pip brings a compiler, which takes minutes. \
What is there already is not installed again, and what was interrupted goes on from the files that were downloaded.`,
    "  ratatouille setup tensorflow\n  ratatouille setup tensorflow-gpu --json",
  )
    .addArgument(new Argument("<what>", "what to install").choices(["tensorflow", "tensorflow-gpu"]))
    .option("--json", "output for programs")
    .action(runs(finish, async (what, options: SetupCommandOptions) => (await import("./setup.ts")).setup(what, options, context)));
}
