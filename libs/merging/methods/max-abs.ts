import type { Method } from "../method.ts";
import { commonSign, elementwise, RATATOUILLE_PAPER } from "./shared/elementwise.ts";

/** One of the rules that Ramé et al. compare with the mean. */
export const maxAbs: Method = {
  name: "max_abs",
  title: "Maximum magnitude",
  summary: "The number with the largest magnitude; 0 where the models' signs differ.",
  formula: "θ = s · max_i |θ_i|,  s = the common sign, or 0",
  paper: RATATOUILLE_PAPER,
  parameters: [],
  base: "none",
  models: { min: 1, max: Number.POSITIVE_INFINITY },
  program: elementwise(() => (values) => {
    let largest = 0;
    for (let k = 0; k < values.length; k++) largest = Math.max(largest, Math.abs(values[k]!));
    return commonSign(values) * largest;
  }),
};
