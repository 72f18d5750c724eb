import type { Digest, Json, RecipeKind } from "#libs/recipes";
import type { GreedyTrials } from "./greedy.ts";

/**
 * Where an input of a recipe comes from: a known artifact, another node, what an evaluation chose among nodes, or what a greedy selection
 * that is made of measurements has come to.
 */
export type Source =
  | { readonly digest: Digest }
  | { readonly node: string }
  | { readonly selection: string; readonly among: readonly string[] }
  | { readonly greedy: GreedyTrials };

/** A recipe whose inputs are not made yet. */
export type Template = {
  readonly kind: RecipeKind;
  readonly inputs: { readonly [role: string]: Source | readonly Source[] };
  readonly parameters: { readonly [name: string]: Json };
  /** Nodes whose validation accuracies become `parameters.scores`, in this order. */
  readonly scoresOf?: readonly string[];
  /** Every input must be there: nothing is left out of lists. */
  readonly whole?: true;
  readonly seed?: number;
  readonly arithmetic?: string;
};

/** Kinds of work, in the order in which a run goes through them. */
export const stages = [
  "data",
  "pre-training",
  "auxiliary fine-tuning",
  "linear probe",
  "fine-tuning",
  "averaging",
  "prediction",
  "evaluation",
] as const;
export type StageName = (typeof stages)[number];

/** One recipe of a run. */
export type Node = {
  readonly id: string;
  readonly stage: StageName;
  /** What people see. */
  readonly label: string;
  readonly template: Template;
  /** Work in multiply-adds, to estimate the rest of a run. */
  readonly work: number;
  /** The run may go on without it (a member, where the run file says so). */
  readonly expendable: boolean;
  /** The engines of which a trainer needs one, and on which device where their names do not say it; where they are not given the recipe says it. */
  readonly engines?: { readonly backends: readonly string[]; readonly device: string };
};

/** The nodes that a node waits for. */
export function dependencies(node: Node): string[] {
  const sources = Object.values(node.template.inputs).flat() as Source[];
  const inputs = sources.flatMap((source) =>
    "digest" in source
      ? []
      : "node" in source
        ? [source.node]
        : "greedy" in source
          ? [source.greedy.scores, ...source.greedy.trials, ...source.greedy.among.flatMap(({ model, prediction }) => [model, prediction])]
          : [source.selection, ...source.among],
  );
  return [...new Set([...inputs, ...(node.template.scoresOf ?? [])])];
}
