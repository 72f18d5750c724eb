import type { Weights } from "#libs/learning";
import { InvalidEvaluationError, type Violation } from "./errors.ts";

/** Models and data under the field names of the recipe. */
export type FitInput = {
  readonly models: readonly Weights[];
  readonly datasets: readonly { readonly field: string; readonly dataset: { readonly features: number; readonly classes: number } }[];
};

/**
 * Checks that all models have the same tensors, all numbers in them finite, and that they take the features and give the classes of all data sets.
 * Throws InvalidEvaluationError with all violations.
 */
export function checkFit({ models, datasets }: FitInput): void {
  const violations = [...models.entries()].flatMap(([index, weights]) => [
    ...checkModel(weights, index, datasets),
    ...checkSame(weights, index, models[0]!),
    ...checkFinite(weights, index),
  ]);
  if (violations.length > 0) throw new InvalidEvaluationError(violations);
}

function* checkModel(weights: Weights, index: number, datasets: FitInput["datasets"]): Generator<Violation> {
  const field = `recipe.inputs.models[${index}]`;
  const inputWidth = (weights.get("fc1.weight") ?? weights.get("head.weight"))?.shape[1];
  const classes = weights.get("head.weight")?.shape[0];
  if (classes === undefined) yield { field, description: "has no matrix head.weight; a featurizer alone cannot be evaluated" };
  for (const { field: data, dataset } of datasets) {
    if (inputWidth !== undefined && inputWidth !== dataset.features) {
      yield { field, description: `takes ${inputWidth} features; ${data} has ${dataset.features}` };
    }
    if (classes !== undefined && classes !== dataset.classes) {
      yield { field, description: `has ${classes} classes; ${data} has ${dataset.classes}` };
    }
  }
}

function* checkSame(weights: Weights, index: number, first: Weights): Generator<Violation> {
  const field = `recipe.inputs.models[${index}]`;
  for (const name of new Set([...first.keys(), ...weights.keys()])) {
    const [shape, other] = [weights.get(name)?.shape, first.get(name)?.shape];
    if (String(shape) === String(other)) continue;
    yield { field, description: `has ${name} of shape ${shapeText(shape)}; the first model has ${shapeText(other)}` };
  }
}

function* checkFinite(weights: Weights, index: number): Generator<Violation> {
  for (const [name, { data }] of weights) {
    const position = data.findIndex((value) => !Number.isFinite(value));
    if (position < 0) continue;
    yield {
      field: `recipe.inputs.models[${index}]`,
      description: `has ${data[position]} in ${name}; all weights have to be finite numbers`,
    };
  }
}

function shapeText(shape: readonly number[] | undefined): string {
  return shape === undefined ? "none" : `[${shape.join(", ")}]`;
}
