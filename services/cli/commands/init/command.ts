import type { Command } from "commander";
import type { CommandContext } from "../../context.ts";
import { addCommand, type Finish, runs } from "../../options.ts";
import type { InitOptions } from "./init.ts";

/** `ratatouille init` */
export function defineInit(program: Command, context: CommandContext, finish: Finish): void {
  addCommand(
    program,
    "init <folder>",
    `Write a run file for a folder of images.

The folder has domain/class/image. Models beside it are recognised by their tensors and suggested as the foundation and as auxiliaries; \
folders of images for auxiliaries are named by hand. Nothing is trained or stored; a file that exists is left alone.`,
    `  ratatouille init ~/birds
  ratatouille init ~/birds --yes --out birds.yaml`,
  )
    .option("--yes", "ask nothing: take what would be suggested")
    .option("--out <file>", "the run file (default: <name>.yaml here)")
    .action(runs(finish, async (folder: string, options: InitOptions) => (await import("./init.ts")).init(folder, options, context)));
}
