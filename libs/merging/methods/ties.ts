import type { Method, TensorTask } from "../method.ts";
import { byMagnitude } from "./shared/by-magnitude.ts";
import { electedSigns, signOfZero } from "./shared/elected-signs.ts";
import { density, lambda, normalize, numbersOf, weight } from "./shared/parameters.ts";
import { sparseProgram } from "./shared/sparse.ts";

/**
 * Yadav et al. 2023: trim, elect sign, merge. As mergekit has it, the trimming is per tensor and weights count in the election; a sum of zero
 * elects +. With `whole_model`, as in the paper: the largest of the whole model stay, and where the sum is zero the sign of the majority
 * is elected. Equal magnitudes at the end are taken by index; over the whole model they all stay, as in the paper's code.
 */
export const ties: Method = {
  name: "ties",
  title: "TIES",
  summary: "Only the largest changes of each model, and of these only those whose sign most of the weight agrees on.",
  formula:
    "θ = θ_0 + λ τ_m,  τ_m = Σ_{i∈A} w_i τ̂_i / Σ_{i∈A} w_i,  A = {i: sgn τ̂_i = γ},  γ = sgn Σ w_i τ̂_i,  τ̂_i = the density·n largest |τ_i|",
  paper: {
    authors: "Yadav et al.",
    year: 2023,
    title: "TIES-Merging: resolving interference when merging models",
    link: "https://arxiv.org/abs/2306.01708",
  },
  parameters: [
    weight,
    density("the part of a model's differences that stays, the largest; one at least"),
    normalize(true),
    lambda,
    {
      name: "rescale",
      scope: "merge",
      type: "boolean",
      default: false,
      description: "keep the sum of magnitudes of each tensor's differences",
    },
    {
      name: "whole_model",
      scope: "merge",
      type: "boolean",
      default: false,
      description:
        "the largest of the whole model stay, as in the paper, instead of those of each tensor; give every tensor the same density",
    },
  ],
  base: "required",
  models: { min: 1, max: Number.POSITIVE_INFINITY },
  program(task) {
    const { merge } = task.parameters;
    const sparsifier = largest(task);
    const whole = merge["whole_model"] === true;
    const signs = whole ? electedSigns(sparsifier, numbersOf(task.parameters.models, "weight")) : undefined;
    return sparseProgram(task, {
      sparsifier: signs === undefined ? sparsifier : { ...sparsifier, reductions: [...sparsifier.reductions, signs] },
      consensus: true,
      matchL1: merge["rescale"] === true,
      ...(signs === undefined ? {} : { signOfZero: (results) => signOfZero(results[sparsifier.reductions.length]) }),
    });
  },
};

function largest({ shape, models: count, parameters: { merge, models } }: TensorTask) {
  const densities = numbersOf(models, "density");
  return byMagnitude({
    elements: shape.reduce((product, dimension) => product * dimension, 1),
    models: count,
    scope: merge["whole_model"] === true ? "model" : "tensor",
    drops: false,
    wanted: (model, elements) => ({ drop: 0, keep: keptOf(densities[model]!, elements) }),
  });
}

/** As mergekit: rounded down, but one at least where anything stays at all. */
function keptOf(part: number, elements: number): number {
  if (part >= 1) return Number.POSITIVE_INFINITY;
  return part <= 0 ? 0 : Math.max(1, Math.floor(part * elements));
}
