import type { Recipe } from "#libs/recipes";

/** What running a recipe takes, beside the engine that its arithmetic or its submission names. */
export type KindNeeds = {
  /** Bytes at the largest, where the engine computes, without what a trainer takes before its first job. */
  readonly bytes: number;
  /** The parameter that asks for most of them, for example "hidden". */
  readonly field: string;
  /** The network, where the engine has to know one. */
  readonly network?: string;
};

/** From the recipe alone. @param weightsBytes of the largest model that goes in, for a network of which nothing else is known; 0 without one */
export type NeedsOfKind = (recipe: Recipe, weightsBytes: number) => KindNeeds;
