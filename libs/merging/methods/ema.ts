import type { Method } from "../method.ts";
import { numberOf } from "./shared/parameters.ts";

/** The exponential moving average of a trajectory, as of its last model. The models are in the order in which training made them. */
export const ema: Method = {
  name: "ema",
  title: "EMA",
  summary: "The exponential moving average along a trajectory, in the order given.",
  formula: "θ̄_0 = θ_0;  θ̄_t = d_t θ̄_{t−1} + (1−d_t) θ_t,  d_t = d;  warmup: d_t = min(d, (1+t)/(10+t))",
  paper: {
    authors: "Tarvainen and Valpola",
    year: 2017,
    title: "Mean teachers are better role models",
    link: "https://arxiv.org/abs/1703.01780",
  },
  parameters: [
    {
      name: "decay",
      scope: "merge",
      type: "number",
      default: 0.999,
      min: 0,
      max: 1,
      description: "what of the average stays at each model",
    },
    { name: "warmup", scope: "merge", type: "boolean", default: false, description: "a smaller decay for the first models" },
  ],
  base: "none",
  models: { min: 1, max: Number.POSITIVE_INFINITY },
  program({ models, parameters: { merge } }) {
    const decay = numberOf(merge, "decay");
    const coefficients = [1];
    for (let t = 1; t < models; t++) {
      const d = merge["warmup"] === true ? Math.min(decay, (1 + t) / (10 + t)) : decay;
      for (let i = 0; i < t; i++) coefficients[i]! *= d;
      coefficients.push(1 - d);
    }
    return { kind: "combine", coefficients };
  },
};
