import type { WritingOptions } from "../../models/writing-options.ts";

/** Options of `ratatouille average`. */
export type AverageOptions = WritingOptions & {
  readonly method: string;
  readonly weights?: readonly number[];
  readonly set?: readonly Setting[];
  readonly base?: string;
  readonly statistics?: readonly string[];
  readonly exclude?: readonly string[];
  readonly factorsApart?: boolean;
  readonly updatable?: boolean;
  readonly add?: readonly string[];
  readonly remove?: readonly string[];
  readonly to?: string;
};

/** A parameter with one value for all models, or with one for each. */
export type Setting = { readonly name: string; readonly values: readonly (number | boolean)[] };
