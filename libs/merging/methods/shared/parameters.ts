import type { Parameter } from "../../method.ts";
import type { ParameterValues } from "../../parameters.ts";

/** How much a model counts. */
export const weight: Parameter = {
  name: "weight",
  scope: "model",
  type: "number",
  default: 1,
  description: "how much the model counts",
};

/** Whether the weights are divided by their sum. */
export function normalize(byDefault: boolean): Parameter {
  return { name: "normalize", scope: "merge", type: "boolean", default: byDefault, description: "divide by the sum of the weights" };
}

/** What the merged task vector is multiplied by. */
export const lambda: Parameter = {
  name: "lambda",
  scope: "merge",
  type: "number",
  default: 1,
  description: "what the merged difference to the base is multiplied by",
};

/** The part of a task vector that stays. */
export function density(description: string): Parameter {
  return { name: "density", scope: "model", type: "number", default: 1, min: 0, max: 1, description };
}

/** A number among complete values. */
export function numberOf(values: ParameterValues, name: string): number {
  return values[name] as number;
}

/** The numbers of one parameter, one for each model. */
export function numbersOf(models: readonly ParameterValues[], name: string): number[] {
  return models.map((values) => numberOf(values, name));
}

export function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** mergekit's divisor of task vectors: the sum of the weights, but 1 where they cancel. */
export function divisorOf(weights: readonly number[], normalized: boolean): number {
  const total = sum(weights);
  return normalized && Math.abs(total) >= 1e-8 ? total : 1;
}
