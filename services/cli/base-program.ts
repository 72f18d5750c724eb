import { Command } from "commander";
import { VERSION } from "#libs/service/process";
import type { CommandContext } from "./context.ts";
import { takeToken } from "./token.ts";

/** The `ratatouille` command without any command below it: how it explains itself and what is wrong. */
export function baseProgram(context: CommandContext): Command {
  const program = new Command("ratatouille")
    .description("Model recycling: fine-tunings of one foundation model, averaged into one better model with a provable history.")
    .version(VERSION)
    .addHelpText(
      "after",
      `
Examples:
  ratatouille init ~/birds                  a run file for a folder of images
  ratatouille recycle examples/digits.yaml  recycle models on handwritten digits
  ratatouille models list                   the models that came out
  ratatouille lineage digits/seed-10/held-out-25
  ratatouille average a.safetensors b.safetensors -o out.safetensors
  ratatouille doctor                        is everything here that is needed?

Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted, 141 not read.`,
    )
    .exitOverride()
    .configureOutput({
      writeOut: (text) => context.stdout.write(text),
      writeErr: (text) => context.stderr.write(text),
      outputError: (text, write) =>
        write(
          `${text
            .trimEnd()
            .replace(/^error: /, "ratatouille: ")
            .replace(/\s*\n/g, " ")} (--help shows how)\n`,
        ),
    });
  program.hook("preAction", (_, action) => takeToken(action));
  return program;
}
