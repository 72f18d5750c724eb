import type { WritingOptions } from "../../models/writing-options.ts";

/** Options of `ratatouille merge`. */
export type MergeOptions = WritingOptions & {
  readonly modelsDir?: string;
  readonly intermediateDir?: string;
  readonly exclude?: readonly string[];
};
