import type { Method } from "../method.ts";
import { elementwise } from "./shared/elementwise.ts";
import { meanWithout, ROBUST_PAPER, sortFew } from "./shared/robust.ts";

/** The coordinate-wise median of Yin et al. 2018. */
export const median: Method = {
  name: "median",
  title: "Median",
  summary: "The median of each number: fewer than half of the models can be anything.",
  formula: "θ = med_i θ_i, of each number; of two in the middle the mean",
  paper: ROBUST_PAPER,
  parameters: [],
  base: "none",
  models: { min: 1, max: Number.POSITIVE_INFINITY },
  program: elementwise(() => (values) => {
    sortFew(values);
    return meanWithout(values, (values.length - 1) >> 1);
  }),
};
