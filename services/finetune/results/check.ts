import type { Descriptor, Recipe } from "#libs/recipes";
import type { Files } from "./files.ts";
import type { Given } from "./given.ts";

/** What a check looks at: a recipe, the layers that were made of it, and what it was made of. */
export type Checked = {
  readonly recipe: Recipe;
  readonly layers: readonly Descriptor[];
  readonly files: Files;
  readonly given: Given;
};

/** What is wrong with a result, as a sentence; undefined where nothing is. Rejects for files that cannot be read. */
export type Check = (checked: Checked) => Promise<string | undefined>;
