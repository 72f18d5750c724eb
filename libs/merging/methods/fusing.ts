import { exp, uniform } from "#libs/deterministic";
import type { Method } from "../method.ts";
import { numberOf } from "./shared/parameters.ts";
import { seedOf } from "./shared/random.ts";

/** Choshen et al. 2022 with the random coefficients of the ratatouille code: one draw for the whole model, by seed. */
export const fusing: Method = {
  name: "fusing",
  title: "Fusing",
  summary: "A mean with random weights: one point of the simplex for each seed, the starting point of one more fine-tuning.",
  formula: "θ = Σ λ_i θ_i,  λ_i = κ_i / Σ κ,  κ_i = exp(R u_i),  u_i ~ U[0, 1)",
  paper: {
    authors: "Choshen et al.",
    year: 2022,
    title: "Fusing finetuned models for better pretraining",
    link: "https://arxiv.org/abs/2204.03044",
  },
  parameters: [
    {
      name: "range",
      scope: "merge",
      type: "number",
      default: 4,
      min: 0,
      max: 100,
      description: "R: no weight is more than exp(R) times another; 0 is the plain mean",
    },
  ],
  base: "none",
  models: { min: 1, max: Number.POSITIVE_INFINITY },
  random: true,
  program({ seed, digests, parameters: { merge } }) {
    const range = numberOf(merge, "range");
    return { kind: "mean", weights: digests.map((digest) => exp(range * uniform(seedOf(seed, digest), 0))), divisor: "sum" };
  },
};
