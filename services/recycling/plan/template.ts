import type { Digest, EvaluationResult, Json, Recipe, RecipeKind, TrainingSummary } from "#libs/recipes";

/** Where an input of a recipe comes from: a known artifact, another node, or what a greedy selection chose among nodes. */
export type Source =
  | { readonly digest: Digest }
  | { readonly node: string }
  | { readonly selection: string; readonly among: readonly string[] };

/** A recipe whose inputs are not made yet. */
export type Template = {
  readonly kind: RecipeKind;
  readonly inputs: { readonly [role: string]: Source | readonly Source[] };
  readonly parameters: { readonly [name: string]: Json };
  /** Nodes whose validation accuracies become `parameters.scores`, in this order. */
  readonly scoresOf?: readonly string[];
  readonly seed?: number;
  readonly arithmetic?: string;
};

/** Kinds of work, in the order in which a run goes through them. */
export const stages = ["data", "pre-training", "auxiliary fine-tuning", "linear probe", "fine-tuning", "averaging", "evaluation"] as const;
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
};

/** What the manifest of a trained model says of its training, and where its curve is. */
export type Trained = TrainingSummary & { readonly curve?: Digest };

/** How a node ended. `trained` of models that were trained, `result` of evaluations, `data` the digest of the bytes of data sets. */
export type Outcome =
  | {
      readonly state: "done";
      readonly digest: Digest;
      readonly trained?: Trained;
      readonly result?: EvaluationResult;
      readonly data?: Digest;
    }
  | { readonly state: "failed"; readonly error: string };

export type Outcomes = ReadonlyMap<string, Outcome>;

/** A node's recipe, or what keeps it from having one. */
export type Instance =
  | { readonly state: "ready"; readonly recipe: Recipe }
  | { readonly state: "waiting" }
  | { readonly state: "impossible"; readonly error: string };

/** The nodes that a node waits for. */
export function dependencies(node: Node): string[] {
  const sources = Object.values(node.template.inputs).flat() as Source[];
  const inputs = sources.flatMap((source) =>
    "digest" in source ? [] : "node" in source ? [source.node] : [source.selection, ...source.among],
  );
  return [...new Set([...inputs, ...(node.template.scoresOf ?? [])])];
}

/** Measures of how models differ. */
const comparisons: ReadonlySet<unknown> = new Set(["barriers", "diversity", "interpolation"]);

/**
 * Fills in the digests of the inputs. Failed inputs are left out of lists (of the members of an average, say);
 * a failed single input, a list of which nothing is left, or a comparison of a single model makes the node impossible.
 */
export function instantiate(node: Node, outcomes: Outcomes): Instance {
  const needed = dependencies(node);
  if (needed.some((id) => !outcomes.has(id))) return { state: "waiting" };
  const { template } = node;
  const inputs: { [role: string]: Digest | Digest[] } = {};
  for (const [role, source] of Object.entries(template.inputs)) {
    const digests = (Array.isArray(source) ? source : [source]).flatMap((one: Source) => resolve(one, outcomes));
    if (digests.length === 0) return { state: "impossible", error: `nothing is left of its ${role}` };
    inputs[role] = Array.isArray(source) ? digests : (digests[0] as Digest);
  }
  const count = inputs["models"]?.length ?? 0;
  const measure = template.parameters["measure"];
  if (count < 2 && comparisons.has(measure))
    return { state: "impossible", error: `only ${count} model is left, and ${measure} compares two` };
  const scores: number[] = [];
  for (const id of template.scoresOf ?? []) {
    const outcome = outcomes.get(id);
    if (outcome?.state !== "done") continue;
    const score = outcome.trained?.validationAccuracy;
    // An artifact that somebody imported under the recipe may say nothing of it: in an order of made-up numbers it would come last.
    if (score === undefined)
      return { state: "impossible", error: `nothing says how accurate ${id} (${outcome.digest}) is on validation data` };
    scores.push(score);
  }
  const recipe: Recipe = {
    kind: template.kind,
    inputs,
    parameters: { ...template.parameters, ...(template.scoresOf ? { scores } : {}), ...survivingPairs(template, inputs) },
    ...(template.seed === undefined ? {} : { seed: template.seed }),
    ...(template.arithmetic === undefined ? {} : { arithmetic: template.arithmetic }),
  };
  return { state: "ready", recipe };
}

/** Pairs count the models that are left, so those beyond the last are dropped. */
function survivingPairs(
  { parameters }: Template,
  inputs: { readonly [role: string]: Digest | readonly Digest[] },
): { readonly pairs?: Json } {
  const pairs = parameters["pairs"] as readonly (readonly number[])[] | undefined;
  const models = inputs["models"]?.length ?? 0;
  return pairs ? { pairs: pairs.filter((pair) => pair.every((index) => index < models)) } : {};
}

function resolve(source: Source, outcomes: Outcomes): Digest[] {
  if ("digest" in source) return [source.digest];
  if ("node" in source) {
    const outcome = outcomes.get(source.node);
    return outcome?.state === "done" ? [outcome.digest] : [];
  }
  const selection = outcomes.get(source.selection);
  if (selection?.state !== "done" || selection.result?.measure !== "greedy") return [];
  const survivors = source.among.flatMap((id) => resolve({ node: id }, outcomes));
  return selection.result.selected.map((index) => survivors[index] as Digest);
}
