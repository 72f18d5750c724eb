import type { Parameter, Program, TensorTask } from "../../method.ts";
import { byMagnitude } from "./by-magnitude.ts";
import { density, lambda, normalize, numbersOf, weight } from "./parameters.ts";
import { sparseProgram } from "./sparse.ts";

export const BREADCRUMBS_PAPER = {
  authors: "Davari and Belilovsky",
  year: 2023,
  title: "Model Breadcrumbs: scaling multi-task model merging with sparse masks",
  link: "https://arxiv.org/abs/2312.06795",
} as const;

export const BREADCRUMBS_PARAMETERS: readonly Parameter[] = [
  weight,
  density("the part of a model's differences that stays; 1 keeps all, outliers too"),
  {
    name: "gamma",
    scope: "model",
    type: "number",
    default: 0.01,
    min: 0,
    max: 1,
    description: "the part that is dropped as outliers, the largest",
  },
  normalize(false),
  lambda,
  {
    name: "rescale",
    scope: "merge",
    type: "boolean",
    default: false,
    description: "keep the sum of magnitudes of each tensor's differences",
  },
];

/**
 * Per tensor of n numbers, ⌊gamma n⌋ of the largest are dropped and ⌊density n⌋ of the next stay. Where there are not so many left, fewer
 * outliers are dropped. mergekit 0.1.5 does so too.
 */
export function breadcrumbsProgram(task: TensorTask, consensus: boolean): Program {
  const { merge, models } = task.parameters;
  const densities = numbersOf(models, "density");
  const gammas = numbersOf(models, "gamma");
  const sparsifier = byMagnitude({
    elements: task.shape.reduce((product, dimension) => product * dimension, 1),
    models: task.models,
    scope: "tensor",
    drops: true,
    wanted(model, elements) {
      if (densities[model]! >= 1) return { drop: 0, keep: Number.POSITIVE_INFINITY };
      const keep = Math.floor(densities[model]! * elements);
      return { keep, drop: Math.min(Math.floor(gammas[model]! * elements), elements - keep) };
    },
  });
  return sparseProgram(task, { sparsifier, consensus, matchL1: merge["rescale"] === true });
}
