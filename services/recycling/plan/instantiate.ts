import type { Digest, Json, Recipe } from "#libs/recipes";
import { modelsOfTrial } from "./greedy.ts";
import type { Outcomes } from "./outcome.ts";
import { dependencies, type Node, type Source, type Template } from "./template.ts";

/** A node's recipe, or what keeps it from having one. */
export type Instance =
  | { readonly state: "ready"; readonly recipe: Recipe }
  | { readonly state: "waiting" }
  | { readonly state: "impossible"; readonly error: string };

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
    const found = (Array.isArray(source) ? source : [source]).map((one: Source) => resolve(one, outcomes));
    const digests = found.flat();
    if (template.whole && found.some(({ length }) => length === 0)) return { state: "impossible", error: `some of its ${role} is missing` };
    if (digests.length === 0) return { state: "impossible", error: `nothing is left of its ${role}` };
    inputs[role] = Array.isArray(source) ? digests : (digests[0] as Digest);
  }
  const count = (inputs["models"] ?? inputs["predictions"])?.length ?? 0;
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
  if ("greedy" in source) return modelsOfTrial(source.greedy, outcomes).flatMap((node) => resolve({ node }, outcomes));
  const selection = outcomes.get(source.selection);
  if (selection?.state !== "done" || selection.result?.measure !== "greedy") return [];
  const survivors = source.among.flatMap((id) => resolve({ node: id }, outcomes));
  return selection.result.selected.map((index) => survivors[index] as Digest);
}
