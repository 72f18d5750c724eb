import type { Method } from "../method.ts";
import { numberOf } from "./shared/parameters.ts";

/** Kaddour 2022: the mean of the latest checkpoints. */
export const lawa: Method = {
  name: "lawa",
  title: "LAWA",
  summary: "The mean of the latest k models of a trajectory, in the order given.",
  formula: "θ = (1/k) Σ_{t=T−k}^{T−1} θ_t",
  paper: {
    authors: "Kaddour",
    year: 2022,
    title: "Stop wasting my time! Saving days of ImageNet and BERT training with latest weight averaging",
    link: "https://arxiv.org/abs/2209.14981",
  },
  parameters: [
    {
      name: "k",
      scope: "merge",
      type: "integer",
      default: 10,
      min: 1,
      description: "how many of the latest models count; all, if there are fewer",
    },
  ],
  base: "none",
  models: { min: 1, max: Number.POSITIVE_INFINITY },
  program({ models, parameters: { merge } }) {
    const k = Math.min(models, numberOf(merge, "k"));
    const weights = Array.from({ length: models }, (_, t) => (t < models - k ? 0 : 1));
    return { kind: "mean", weights, divisor: k };
  },
};
