import type { Method } from "../method.ts";
import { normalize, numbersOf, weight } from "./shared/parameters.ts";

/** Wortsman et al. 2022: weights of models are averaged. The one method whose result is correctly rounded. */
export const linear: Method = {
  name: "linear",
  aliases: ["mean", "average", "soup", "uniform", "weighted"],
  title: "Linear",
  summary: "The mean of the weights, each number exact and rounded once.",
  formula: "θ = Σ λ_i θ_i / Σ λ_i;  normalize=false: θ = Σ λ_i θ_i",
  paper: {
    authors: "Wortsman et al.",
    year: 2022,
    title: "Model soups: averaging weights of multiple fine-tuned models improves accuracy without increasing inference time",
    link: "https://arxiv.org/abs/2203.05482",
  },
  parameters: [weight, normalize(true)],
  base: "none",
  models: { min: 1, max: Number.POSITIVE_INFINITY },
  program({ parameters: { merge, models } }) {
    const weights = numbersOf(models, "weight");
    if (merge["normalize"] !== true) return { kind: "mean", weights, divisor: 1 };
    const total = weights.reduce((sum, value) => sum + value, 0);
    if (total === 0) throw new RangeError(`the weights ${weights.join(", ")} sum to 0: give others, or normalize=false`);
    return { kind: "mean", weights, divisor: "sum" };
  },
};
