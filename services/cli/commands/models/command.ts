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
  shared(addCommand(models, "list", "Models with a name, newest first.", "  ratatouille models list --all"))
    .option("--all", "also models without a name")
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
