import type { Paper, Parameter, Values } from "../../method.ts";

export const RAM_PAPER: Paper = {
  authors: "Yuan et al.",
  year: 2026,
  title: "Behavior knowledge merge in reinforced agentic models",
  link: "https://arxiv.org/abs/2601.13572",
};

export const EPSILON: Parameter = {
  name: "epsilon",
  scope: "merge",
  type: "number",
  default: 1e-5,
  min: 0,
  description: "differences up to it count as none",
};

/** How many models changed one number. */
export function changes(models: readonly Values[], index: number, epsilon: number): number {
  let found = 0;
  for (let k = 0; k < models.length; k++) if (Math.abs(models[k]![index]!) > epsilon) found++;
  return found;
}

/** The mean of the changes of one number, each multiplied by its model's factor where no other model changed it. */
export function mergedChange(models: readonly Values[], index: number, epsilon: number, factors: ArrayLike<number>): number {
  const found = changes(models, index, epsilon);
  let total = 0;
  for (let k = 0; k < models.length; k++) {
    const value = models[k]![index]!;
    if (Math.abs(value) > epsilon) total += found === 1 ? factors[k]! * value : value;
  }
  return found === 0 ? 0 : total / found;
}
