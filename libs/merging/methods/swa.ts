import type { Method } from "../method.ts";
import { numberOf } from "./shared/parameters.ts";

/** Izmailov et al. 2018: the mean of a trajectory from some model on. */
export const swa: Method = {
  name: "swa",
  title: "SWA",
  summary: "The mean of a trajectory, in the order given, from one of its models on.",
  formula: "θ = (1/(T−s)) Σ_{t=s}^{T−1} θ_t",
  paper: {
    authors: "Izmailov et al.",
    year: 2018,
    title: "Averaging weights leads to wider optima and better generalization",
    link: "https://arxiv.org/abs/1803.05407",
  },
  parameters: [{ name: "start", scope: "merge", type: "integer", default: 0, min: 0, description: "the first model that counts, from 0" }],
  base: "none",
  models: { min: 1, max: Number.POSITIVE_INFINITY },
  program({ models, parameters: { merge } }) {
    const start = numberOf(merge, "start");
    if (start >= models) throw new RangeError(`start is ${start}, and there are ${models} models: it has to be below`);
    const weights = Array.from({ length: models }, (_, t) => (t < start ? 0 : 1));
    return { kind: "mean", weights, divisor: models - start };
  },
};
