import { ln, uint32 } from "#libs/deterministic";
import type { Method } from "../method.ts";
import { numbersOf } from "./shared/parameters.ts";
import { seedOf } from "./shared/random.ts";

/** One of the rules that Ramé et al. compare with the mean: each tensor is one model's, drawn by seed and by the tensor's name. */
export const randomPick: Method = {
  name: "random_pick",
  title: "Random pick",
  summary: "Each tensor from one model, drawn by chance in proportion to the weights.",
  formula: "θ = θ_i with probability w_i / Σ w, for each tensor",
  paper: {
    authors: "Ramé et al.",
    year: 2023,
    title: "Model Ratatouille: recycling diverse models for out-of-distribution generalization",
    link: "https://arxiv.org/abs/2212.10445",
  },
  parameters: [
    {
      name: "weight",
      scope: "model",
      type: "number",
      default: 1,
      min: 0,
      description: "how likely the model is drawn, against the others",
    },
  ],
  base: "none",
  models: { min: 1, max: Number.POSITIVE_INFINITY },
  random: true,
  program({ name, seed, digests, parameters: { models } }) {
    // The first arrival of exponential clocks is model i with probability w_i / Σ w, in whatever order the models are given.
    const times = numbersOf(models, "weight").map((weight, i) => {
      const u = (uint32(seedOf(seed, digests[i]!, name), 0) + 0.5) / 2 ** 32;
      return weight > 0 ? -ln(u) / weight : Number.POSITIVE_INFINITY;
    });
    const first = Math.min(...times);
    if (first === Number.POSITIVE_INFINITY) throw new RangeError("all weights are 0: one model at least has to have one");
    const picked = times.indexOf(first);
    return { kind: "mean", weights: times.map((_, i) => (i === picked ? 1 : 0)), divisor: 1 };
  },
};
