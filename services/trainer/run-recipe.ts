import { type Recipe, RecipeError } from "#libs/recipes";
import { makeDataset } from "./make-dataset.ts";
import { makeModel } from "./make-model.ts";
import type { Product } from "./product.ts";
import type { Watch } from "./watch.ts";
import type { Work } from "./work.ts";

type Run = (recipe: Recipe, work: Work, watch: Watch) => Promise<Product>;

/**
 * Who runs recipes of a kind. A new kind is one more line, and one each in services/finetune/needs, products.ts and results. What few trainers need
 * is loaded with the first recipe of its kind: images and merges are hundreds of files.
 */
const runs: { readonly [kind: string]: Run } = {
  dataset: (recipe, work, { signal }) => makeDataset(recipe, work, signal),
  split: async (recipe, work) => (await import("./kinds/split.ts")).split(recipe, work),
  train: async (...given) => (await import("./kinds/train.ts")).train(...given),
  predict: async (...given) => (await import("./kinds/predict.ts")).predict(...given),
  pretrain: (recipe, { load }, watch) => makeModel(recipe, load, watch),
  probe: (recipe, { load }, watch) => makeModel(recipe, load, watch),
  "fine-tune": (recipe, { load }, watch) => makeModel(recipe, load, watch),
};

/** The kinds of recipes that a trainer runs. */
export const kindsRun: readonly string[] = Object.keys(runs);

/**
 * Runs a recipe that a trainer can run. What it needs of the world is in `work`; the product is a function of the recipe and its inputs, up to
 * the last bits where its arithmetic is approximate.
 * @throws RecipeError for a recipe that is not for trainers or does not fit its inputs, NonFiniteLossError, the signal's reason.
 */
export async function runRecipe(recipe: Recipe, work: Work, watch: Watch = {}): Promise<Product> {
  const run = runs[recipe.kind];
  if (!run) throw new RecipeError("kind", `a trainer does not run recipes of kind ${recipe.kind}`);
  return run(recipe, work, watch);
}
