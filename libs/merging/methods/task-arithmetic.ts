import type { Method } from "../method.ts";
import { divisorOf, lambda, normalize, numberOf, numbersOf, sum, weight } from "./shared/parameters.ts";

/** Ilharco et al. 2022: what fine-tuning changed is added to the base, or taken away by a negative weight. */
export const taskArithmetic: Method = {
  name: "task_arithmetic",
  title: "Task arithmetic",
  summary: "The base plus the weighted sum of the models' differences to it.",
  formula: "θ = θ_0 + λ Σ w_i τ_i,  τ_i = θ_i − θ_0;  normalize=true: w_i / Σ w_i",
  paper: {
    authors: "Ilharco et al.",
    year: 2022,
    title: "Editing models with task arithmetic",
    link: "https://arxiv.org/abs/2212.04089",
  },
  parameters: [weight, normalize(false), lambda],
  base: "required",
  models: { min: 1, max: Number.POSITIVE_INFINITY },
  program({ parameters: { merge, models } }) {
    const weights = numbersOf(models, "weight");
    const scale = numberOf(merge, "lambda") / divisorOf(weights, merge["normalize"] === true);
    const coefficients = weights.map((value) => scale * value);
    return { kind: "combine", coefficients: [...coefficients, 1 - sum(coefficients)] };
  },
};
