import { Argument, type Command } from "commander";
import type { CommandContext } from "../../context.ts";
import { addCommand, type Finish, runs } from "../../options.ts";
import type { SetupCommandOptions } from "./setup.ts";
import type { SetupTorchOptions } from "./torch.ts";

/** `ratatouille setup <what>` */
export function defineSetup(program: Command, context: CommandContext, finish: Finish): void {
  addCommand(
    program,
    "setup",
    `Install what trains networks of images: tensorflow, or tensorflow-gpu for NVIDIA's GPUs, for the trainers that up starts; or \
torch, for those of ratatouille-trainer torch.

TensorFlow goes into the user's cache (~/.cache/ratatouille/tensorflow, or below $XDG_CACHE_HOME): 0.2 GB are downloaded and 0.6 GB stay, for \
tensorflow-gpu with NVIDIA's libraries 3.4 GB and 6.5 GB. python3 with pip, and npm, fetch the packages, with their settings of this user, and each is \
compared with its checksum. The binding is compiled with g++ or clang++; where neither is there, pip brings a compiler, which takes minutes. \
What is there already is not installed again, and what was interrupted goes on from the files that were downloaded.

PyTorch goes into an environment of Python (3.10 or later, with venv) in ~/.cache/ratatouille/torch, with torchvision, timm and the trainer: about \
3.0 GB are downloaded and 5.8 GB stay, with --cpu 0.3 GB and 1.3 GB, which come from download.pytorch.org. --python names an environment of \
your own that has the three; only the trainer is put into it.`,
    "  ratatouille setup tensorflow\n  ratatouille setup tensorflow-gpu --json\n  ratatouille setup torch --cpu\n  ratatouille setup torch --python ~/venv/bin/python",
  )
    .addArgument(new Argument("<what>", "what to install").choices(["tensorflow", "tensorflow-gpu", "torch"]))
    .option("--cpu", "of torch, the build for processors alone")
    .option("--python <path>", "of torch, an environment of your own: its Python")
    .option("--json", "output for programs")
    .action(
      runs(finish, async (what, options: SetupCommandOptions & SetupTorchOptions) => {
        if (what === "torch") return (await import("./torch.ts")).setupTorchHere(options, context);
        return (await import("./setup.ts")).setup(what, options, context);
      }),
    );
}
