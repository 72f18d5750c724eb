import type { Method, Program, Range, Reduction } from "../method.ts";
import { numberOf, numbersOf, sum } from "./shared/parameters.ts";

/**
 * Matena and Raffel 2021: each number counts as much as its model knows about it, by the diagonal of the Fisher information. As in their
 * code, λ is divided by the norm of the model's information, and a number of which nobody knows anything is that of the first model.
 */
export const fisher: Method = {
  name: "fisher",
  title: "Fisher-weighted",
  summary: "The mean weighted by each model's diagonal Fisher information, number by number.",
  formula: "θ_p = Σ λ_i F_{i,p} θ_{i,p} / Σ λ_i F_{i,p};  normalize: λ_i / ‖F_i‖₂",
  paper: {
    authors: "Matena and Raffel",
    year: 2021,
    title: "Merging models with Fisher-weighted averaging",
    link: "https://arxiv.org/abs/2111.09832",
  },
  parameters: [
    { name: "weight", scope: "model", type: "number", default: 1, min: 0, description: "λ: how much the model counts" },
    {
      name: "floor",
      scope: "merge",
      type: "number",
      default: 1e-6,
      min: 0,
      exclusive: true,
      description: "the least information there is",
    },
    {
      name: "normalize",
      scope: "merge",
      type: "boolean",
      default: true,
      description: "divide each model's λ by the norm of its information over the whole model",
    },
    {
      name: "favor_target_model",
      scope: "merge",
      type: "boolean",
      default: true,
      description: "only the first model has the floor, so that its number wins where nobody knows",
    },
  ],
  base: "none",
  models: { min: 1, max: Number.POSITIVE_INFINITY },
  statistics: "fisher",
  program({ models: count, parameters: { merge, models } }): Program {
    const weights = numbersOf(models, "weight");
    const floors = weights.map((_, k) => (k === 0 || merge["favor_target_model"] !== true ? numberOf(merge, "floor") : 0));
    const normalized = merge["normalize"] === true;
    if (sum(weights) === 0) throw new RangeError("all weights are 0: one model at least has to have one");
    return {
      kind: "ranges",
      of: "models",
      reductions: normalized ? [squaredNorms(count)] : [],
      apply(range, [squares], out) {
        const norms = squares as Float64Array | undefined;
        const lambdas = weights.map((weight, k) => (norms === undefined || norms[k] === 0 ? weight : weight / Math.sqrt(norms[k]!)));
        for (let i = 0; i < range.count; i++) {
          let merged = 0;
          let total = 0;
          for (let k = 0; k < count; k++) {
            const by = lambdas[k]! * Math.max(range.statistics![k]![i]!, floors[k]!);
            merged += by * range.models[k]![i]!;
            total += by;
          }
          out[i] = total > 0 ? merged / total : range.models[0]![i]!;
        }
      },
    };
  },
};

/** Σ F² of each model, over the whole model. */
function squaredNorms(count: number): Reduction {
  return {
    order: "blocks",
    scope: "model",
    block(range: Range) {
      const sums = new Float64Array(count);
      for (let k = 0; k < count; k++) {
        const values = range.statistics![k]!;
        for (let i = 0; i < range.count; i++) sums[k]! += values[i]! * values[i]!;
      }
      return sums;
    },
    merge: (a: Float64Array, b: Float64Array) => a.map((value, k) => value + b[k]!),
    finish: (total: Float64Array) => total,
  };
}
