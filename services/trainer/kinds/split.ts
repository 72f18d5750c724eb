import { splitRows } from "#libs/protocols";
import type { Recipe, SplitParameters } from "#libs/recipes";
import { encodeSplit } from "#libs/splits";
import type { Made } from "../product.ts";
import type { Work } from "../work.ts";
import { indexOf, rowsByDomain } from "./images.ts";

/** Runs a recipe of kind `split`. @throws RecipeError, ImageSetError */
export async function split(recipe: Recipe, work: Work): Promise<Made> {
  const { fraction, trial } = recipe.parameters as SplitParameters;
  const index = await indexOf(recipe, "dataset", work);
  const parts = rowsByDomain(index).map((rows, domain) => {
    const { training, validation } = splitRows(rows.length, { fraction, trial, domain });
    const named = (places: Int32Array) => places.map((place) => rows[place]!);
    return { domain: index.domains[domain]!, training: named(training), validation: named(validation) };
  });
  return { outputs: [{ role: "split", content: encodeSplit(parts) }] };
}
