import type { GlobalOptions } from "../../context.ts";

/** Options of `ratatouille check`. */
export type CheckCommandOptions = GlobalOptions & {
  readonly base?: string;
  readonly exclude?: readonly string[];
  readonly full?: boolean;
  readonly mixedTypes?: boolean;
  readonly allowUnrelated?: boolean;
  readonly threads?: number;
  readonly quiet?: boolean;
};
