import type { Weights } from "#libs/learning";
import type { EvaluateParameters, EvaluationResult } from "#libs/recipes";
import { accuracy } from "./accuracy.ts";
import { barriers } from "./barriers.ts";
import { diversity } from "./diversity.ts";
import { ensemble } from "./ensemble.ts";
import { greedy } from "./greedy.ts";
import { interpolation } from "./interpolation.ts";
import { createSubject, type Predict, type Samples } from "./subject.ts";

/** Members, data and a forward pass. */
export type MeasureInput = { readonly members: readonly Weights[]; readonly samples: Samples; readonly predict: Predict };

/** Runs the measure that the parameters name. What it needs is there and fits: see `checkRequest` and `checkFit`. */
export function measure(parameters: EvaluateParameters, { members, samples, predict }: MeasureInput): EvaluationResult {
  const on = (wanted: Samples) => createSubject(members, wanted, predict);
  const heldOut: Samples = samples.heldOut === undefined ? samples : { heldOut: samples.heldOut };
  switch (parameters.measure) {
    case "accuracy":
      return accuracy(on(samples));
    case "ensemble":
      return ensemble(on(heldOut));
    case "barriers":
      return barriers(on(samples));
    case "interpolation":
      return interpolation(on(samples), parameters.pairs ?? [], parameters.points);
    case "diversity":
      return diversity(on(heldOut));
    case "greedy":
      return greedy(on(samples.validation === undefined ? samples : { validation: samples.validation }), parameters.scores ?? []);
    default:
      return parameters.measure satisfies never;
  }
}
