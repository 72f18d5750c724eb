import type { GlobalOptions } from "../../context.ts";

/** What is asked of a lineage. */
export type LineageOptions = GlobalOptions & {
  readonly dot?: boolean;
  readonly format?: "cyclonedx" | "prov";
  readonly descendants?: boolean;
  readonly members?: boolean;
  readonly commonWith?: string;
};
