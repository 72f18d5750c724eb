import type { Command } from "commander";
import type { CommandContext } from "../../context.ts";
import { addCommand, type Finish, runs, shared } from "../../options.ts";
import type { ImportOptions } from "./options.ts";

/** `ratatouille import` */
export function defineImport(program: Command, context: CommandContext, finish: Finish): void {
  shared(
    addCommand(
      program,
      "import <paths...>",
      `Put models, images and records of this machine into the catalog.

A model is a file of safetensors or PyTorch (.pth, .pt, .bin), or a folder as Hugging Face has it. Files of PyTorch are read without running \
anything of them; one that wants to call something is refused. Of a checkpoint with several state dicts FILE#NAME is one. \
The catalog keeps models as safetensors, and what is there already is not sent again.

A folder of images is domain/class/image; see data check. It becomes tar archives of at most 128 MiB, which others read too (WebDataset); \
those that the catalog has are not sent again, so that what was broken off goes on. Before one is sent every image is decoded: one that \
cannot be ends the import.

A folder of records, of data that are no images, has a file a domain, DOMAIN.jsonl or DOMAIN.csv with a field label, or domain/class/file; see \
data check. It becomes shards likewise.

Without --base nothing says which models belong together: two imports are then compatible as far as anybody knows. Without a licence all that \
is made of a model has an unknown one.`,
      `  ratatouille import resnet50.pth --licence BSD-3-Clause
  ratatouille import tuned.pth --base imported/resnet50
  ratatouille import ./vit-base --name vit/base --json
  ratatouille import ~/birds --licence CC-BY-4.0`,
    ),
  )
    .option("--name <name>", "what it is called in the catalog (default: imported/<file>)")
    .option("--licence <licence>", "an SPDX expression, instead of what the model says")
    .option("--base <artifact>", "the model of the catalog that it was fine-tuned from")
    .option("--quiet", "no progress")
    .action(
      runs(finish, async (paths: string[], options: ImportOptions) => (await import("./import.ts")).importPaths(paths, options, context)),
    );
}
