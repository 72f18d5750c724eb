import { type Recipe, RecipeError } from "#libs/recipes";
import type { LoadInput } from "./input.ts";
import { makeDataset } from "./make-dataset.ts";
import { makeModel, type Watch } from "./make-model.ts";
import type { Product } from "./product.ts";

/**
 * Runs a recipe that a trainer can run. Touches no service, file or clock: the product is a function of the recipe and its inputs.
 * @throws RecipeError for a recipe that is not for trainers or does not fit its inputs, NonFiniteLossError, the signal's reason.
 */
export async function runRecipe(recipe: Recipe, load: LoadInput, watch: Watch = {}): Promise<Product> {
  switch (recipe.kind) {
    case "dataset":
      return makeDataset(recipe, load, watch.signal);
    case "pretrain":
    case "probe":
    case "fine-tune":
      return makeModel(recipe, load, watch);
    default:
      throw new RecipeError("kind", `a trainer does not run recipes of kind ${recipe.kind}`);
  }
}
