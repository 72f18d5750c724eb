import type * as v from "valibot";
import type { Block } from "#libs/predictions";
import type { Json, Measurement } from "#libs/recipes";

/** What all predictions of a recipe have in common. */
export type Shape = {
  readonly classes: number;
  /** Names of the domains; blocks name them by position. */
  readonly domains: readonly string[];
  readonly predictions: number;
};

/** A measurement under way: takes blocks of rows in order, then says what it found. */
export type Tally = { add(block: Block): void; result(): Measurement };

/**
 * A function of predictions. It sees the rows once, in order, a block at a time, and keeps sums, so that memory does not grow with them; what
 * it adds up does not depend on where a block ends.
 */
export type Measure = {
  /** Fewest predictions that it compares. */
  readonly fewest: number;
  /** The schema of the recipe's `options`; absent where there are none. */
  readonly options?: v.GenericSchema;
  begin(shape: Shape, options: { readonly [name: string]: Json }): Tally;
};
