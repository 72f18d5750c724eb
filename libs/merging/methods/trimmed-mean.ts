import type { Method } from "../method.ts";
import { elementwise } from "./shared/elementwise.ts";
import { numberOf } from "./shared/parameters.ts";
import { meanWithout, ROBUST_PAPER, sortFew } from "./shared/robust.ts";

/** The coordinate-wise trimmed mean of Yin et al. 2018. */
export const trimmedMean: Method = {
  name: "trimmed_mean",
  title: "Trimmed mean",
  summary: "The mean of each number without the largest and the smallest: some of the models can be anything.",
  formula: "θ = mean of θ_i without the ⌊βM⌋ largest and the ⌊βM⌋ smallest, of each number",
  paper: ROBUST_PAPER,
  parameters: [
    {
      name: "trim",
      scope: "merge",
      type: "number",
      default: 0.2,
      min: 0,
      max: 0.5,
      description: "β, the part of the models that is left out at each end; 0.5 is the median",
    },
  ],
  base: "none",
  models: { min: 1, max: Number.POSITIVE_INFINITY },
  program: elementwise(({ models, parameters: { merge } }) => {
    const trimmed = Math.min((models - 1) >> 1, Math.floor(numberOf(merge, "trim") * models));
    return (values) => {
      sortFew(values);
      return meanWithout(values, trimmed);
    };
  }),
};
