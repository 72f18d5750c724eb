import type { Command } from "commander";
import type { CommandContext } from "../../context.ts";
import { writing } from "../../models/writing-options.ts";
import { addCommand } from "../../options.ts";
import type { MergeOptions } from "./options.ts";

/** `ratatouille merge <file>` */
export function defineMerge(program: Command, context: CommandContext, finish: (code: number) => void): void {
  writing(
    addCommand(
      program,
      "merge <file>",
      `Merge models as a mergekit configuration says, unchanged.

Configurations of mergekit-yaml, mergekit-pytorch and mergekit-multi are taken: models, slices with layer ranges, gradients, filters, adapters \
(model+lora), several merges in one file. What is not taken is refused by name and line; docs/mergekit.md lists it.

As in mergekit, paths in a configuration are relative to the folder where the command is run. Nothing is downloaded: a name such as org/model \
has to be a folder here, or one below --models-dir. --dtype and --seed go before what the configuration says.`,
      `  ratatouille merge config.yml -o out
  ratatouille merge config.yml -o out.safetensors
  ratatouille merge config.yml -o out --models-dir ~/models --dtype bfloat16
  ratatouille merge config.yml -o out --dry-run`,
    )
      .option("--models-dir <directory>", "where models are looked for that are not found from here")
      .option(
        "--exclude <tensor>",
        "a tensor that is left out of the result; with *, all that fit (repeatable)",
        (value: string, before: readonly string[] = []) => [...before, value],
      )
      .option("--intermediate-dir <directory>", "where merges with a name go, in a file that has several"),
  ).action(async (file: string, options: MergeOptions) => {
    const { merge } = await import("./merge.ts");
    finish(await merge(file, options, context));
  });
}
