import { type ImageIndex, splitByItems } from "#libs/image-sets";
import { splitRows } from "#libs/protocols";
import { type Recipe, RecipeError, type SplitParameters } from "#libs/recipes";
import { encodeSplit, type Split } from "#libs/splits";
import type { Made } from "../product.ts";
import type { Work } from "../work.ts";
import { indexOf, rowsByDomain } from "./images.ts";

/** Runs a recipe of kind `split`. @throws RecipeError, ImageSetError */
export async function split(recipe: Recipe, work: Work): Promise<Made> {
  const parameters = recipe.parameters as SplitParameters;
  const index = await indexOf(recipe, "dataset", work);
  const parts = parameters.scheme === "items/1" ? byItems(index, parameters) : byRows(index, parameters);
  return { outputs: [{ role: "split", content: encodeSplit(parts) }] };
}

function byRows(index: ImageIndex, { fraction, trial }: SplitParameters): Split {
  return rowsByDomain(index).map((rows, domain) => {
    const { training, validation } = splitRows(rows.length, { fraction, trial, domain });
    const named = (places: Int32Array) => places.map((place) => rows[place]!);
    return { domain: index.domains[domain]!, training: named(training), validation: named(validation) };
  });
}

function byItems(index: ImageIndex, { fraction, trial, test = 0 }: SplitParameters): Split {
  const parts = splitByItems(index, { fraction, trial, test });
  if (test > 0 && parts.every((part) => part.test.length === 0))
    throw new RecipeError(
      "parameters.test",
      `is ${test}: of the items of the data set none is held out; expected a larger share, or more items`,
    );
  return parts.map(({ test: tested, ...part }, domain) => ({
    domain: index.domains[domain]!,
    ...part,
    ...(test > 0 ? { test: tested } : {}),
  }));
}
