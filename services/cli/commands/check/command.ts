import type { Command } from "commander";
import type { CommandContext } from "../../context.ts";
import { whole } from "../../models/writing-options.ts";
import { addCommand, shared } from "../../options.ts";
import type { CheckCommandOptions } from "./options.ts";

/** `ratatouille check` */
export function defineCheck(program: Command, context: CommandContext, finish: (code: number) => void): void {
  shared(
    addCommand(
      program,
      "check <models...>",
      `Say whether models may be averaged, and why not.

Compares names, shapes and types of all tensors, the network in config.json, the foundation models, the labels of the outputs, the
tokenizers and the licences, and lists everything that it finds. With --full it reads all weights once: numbers that are not finite, norms
that stand out, models that are equal, opposed or strangers to each other. Exit code 0 if they may be averaged, 1 if not.`,
      `  ratatouille check a.safetensors b.safetensors
  ratatouille check a b c --base base --full
  ratatouille check a b --exclude head.weight --exclude head.bias
  ratatouille check a b --json | jq .verdict`,
    ),
  )
    .option("--base <model>", "the model that the others were trained from")
    .option("--full", "read the weights too")
    .option(
      "--exclude <tensor>",
      "a tensor that is left out of the result; with *, all that fit (repeatable)",
      (value, before: readonly string[] = []) => [...before, value],
    )
    .option("--mixed-types", "types of the numbers may differ, as with average --dtype")
    .option("--allow-unrelated", "also models without a common foundation model")
    .option("--threads <number>", "threads of --full (default: one for each core)", (text) => whole(text, 1, 256))
    .option("--quiet", "no progress")
    .action(async (models: string[], options: CheckCommandOptions) => {
      const { check } = await import("./check.ts");
      finish(await check(models, options, context));
    });
}
