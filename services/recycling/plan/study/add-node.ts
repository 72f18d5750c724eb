import type { StageName, Template } from "../template.ts";

/** Adds a node to a cell and returns its id: `id` behind that of the cell. */
export type AddNode = (node: {
  readonly id: string;
  readonly stage: StageName;
  readonly template: Template;
  readonly work: number;
  readonly expendable?: boolean;
}) => string;
