import type { GlobalOptions } from "../../context.ts";

/** Options of `ratatouille import`. */
export type ImportOptions = GlobalOptions & {
  readonly name?: string;
  readonly licence?: string;
  readonly base?: string;
  readonly quiet?: boolean;
};
