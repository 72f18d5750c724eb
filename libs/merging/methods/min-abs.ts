import type { Method } from "../method.ts";
import { commonSign, elementwise, RATATOUILLE_PAPER } from "./shared/elementwise.ts";

/** One of the rules that Ramé et al. compare with the mean. */
export const minAbs: Method = {
  name: "min_abs",
  title: "Minimum magnitude",
  summary: "The number with the smallest magnitude; 0 where the models' signs differ.",
  formula: "θ = s · min_i |θ_i|,  s = the common sign, or 0",
  paper: RATATOUILLE_PAPER,
  parameters: [],
  base: "none",
  models: { min: 1, max: Number.POSITIVE_INFINITY },
  program: elementwise(() => (values) => {
    const sign = commonSign(values);
    if (sign === 0) return 0;
    let smallest = Number.POSITIVE_INFINITY;
    for (let k = 0; k < values.length; k++) smallest = Math.min(smallest, Math.abs(values[k]!));
    return sign * smallest;
  }),
};
