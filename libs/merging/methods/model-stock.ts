import type { Method } from "../method.ts";
import { cosine, fromBase } from "./shared/gram.ts";

/**
 * Jang et al. 2024. For more than two models cos θ is the mean over all pairs, as mergekit has it: the paper is silent. Where the
 * denominator vanishes there is no such point, and the base stays.
 */
export const modelStock: Method = {
  name: "model_stock",
  title: "Model Stock",
  summary: "Between the base and the mean of the models, the nearer to the mean the more their differences agree.",
  formula: "θ = t · (1/N) Σ θ_i + (1−t) θ_0,  t = N cos θ / (1 + (N−1) cos θ)",
  paper: {
    authors: "Jang et al.",
    year: 2024,
    title: "Model Stock: all we need is just a few fine-tuned models",
    link: "https://arxiv.org/abs/2403.19522",
  },
  parameters: [
    {
      name: "filter_wise",
      scope: "merge",
      type: "boolean",
      default: false,
      description: "an angle for each row (last dimension) instead of one for each tensor",
    },
  ],
  base: "required",
  models: { min: 2, max: Number.POSITIVE_INFINITY },
  program: ({ models: count, parameters: { merge } }) => ({
    kind: "gram",
    of: "differences",
    scope: merge["filter_wise"] === true ? "row" : "tensor",
    coefficients(gram) {
      const cos = meanCosine(gram, count);
      const denominator = 1 + (count - 1) * cos;
      const t = Math.abs(denominator) < 1e-6 ? 0 : (count * cos) / denominator;
      return fromBase(new Array<number>(count).fill(t / count));
    },
  }),
};

function meanCosine(gram: Float64Array, count: number): number {
  let total = 0;
  for (let i = 0; i < count; i++) for (let j = i + 1; j < count; j++) total += cosine(gram, count, i, j);
  return total / ((count * (count - 1)) / 2);
}
