import type { Command } from "commander";
import type { CommandContext } from "../../context.ts";
import { addCommand, type Finish, runs, shared } from "../../options.ts";
import { HOW_NAMES_WORK } from "../names.ts";

const MODEL = "digits/seed-10/held-out-25";

/** `ratatouille models` */
export function defineModels(program: Command, context: CommandContext, finish: Finish): void {
  const models = addCommand(
    program,
    "models",
    "Models: list, show, pull.",
    `  ratatouille models list\n  ratatouille models pull ${MODEL} --out my-model`,
  );
  const list = `Models with a name, newest first, or those that a filter finds, with or without one.

A filter has comparisons such as architecture = resnet50, metric.validationAccuracy >= 0.9, licence = MIT, name = "birds/*",
annotation.team = vision or parent = birds:1.0, joined by AND or OR; a word alone is looked for in names, architectures, tasks, domains and
licences.`;
  shared(
    addCommand(
      models,
      "list",
      list,
      `  ratatouille models list --all
  ratatouille models list --filter "architecture = resnet50 licence = MIT"
  ratatouille models list --filter resnet --sort "size desc"`,
    ),
  )
    .option("--all", "also models without a name")
    .option("--filter <text>", "only what it finds")
    .option("--sort <text>", 'created, size or metric.NAME, and maybe " desc" (default: created desc)')
    .action(runs(finish, async (options) => (await import("./models.ts")).listModels(options, context)));
  const show = `What a model is and how it was made.${HOW_NAMES_WORK}`;
  shared(addCommand(models, "show <name>", show, `  ratatouille models show ${MODEL}`)).action(
    runs(finish, async (name: string, options) => (await import("./models.ts")).showModel(name, options, context)),
  );
  const pull = `Write a model's weights and recipe into a folder.${HOW_NAMES_WORK}`;
  shared(addCommand(models, "pull <name>", pull, `  ratatouille models pull ${MODEL} --out my-model`))
    .option("--out <directory>", "the folder (default: models/<digest>)")
    .option("--force", "overwrite another model that is there")
    .action(runs(finish, async (name: string, options) => (await import("./pull.ts")).pullModel(name, options, context)));
}
