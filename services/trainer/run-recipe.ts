import { type Recipe, RecipeError } from "#libs/recipes";
import type { LoadInput } from "./input.ts";
import { makeDataset } from "./make-dataset.ts";
import { makeModel } from "./make-model.ts";
import type { Product } from "./product.ts";
import type { Watch } from "./watch.ts";

type Run = (recipe: Recipe, load: LoadInput, watch: Watch) => Promise<Product>;

/** Who runs recipes of a kind. A new kind is one more line, and one in services/finetune/needs. */
const runs: { readonly [kind: string]: Run } = {
  dataset: (recipe, load, { signal }) => makeDataset(recipe, load, signal),
  pretrain: makeModel,
  probe: makeModel,
  "fine-tune": makeModel,
};

/** The kinds of recipes that a trainer runs. */
export const kindsRun: readonly string[] = Object.keys(runs);

/**
 * Runs a recipe that a trainer can run. Touches no service, file or clock: the product is a function of the recipe and its inputs.
 * @throws RecipeError for a recipe that is not for trainers or does not fit its inputs, NonFiniteLossError, the signal's reason.
 */
export async function runRecipe(recipe: Recipe, load: LoadInput, watch: Watch = {}): Promise<Product> {
  const run = runs[recipe.kind];
  if (!run) throw new RecipeError("kind", `a trainer does not run recipes of kind ${recipe.kind}`);
  return run(recipe, load, watch);
}
