import { exp, ln } from "#libs/deterministic";
import type { Method } from "../method.ts";
import { commonSign, elementwise, RATATOUILLE_PAPER } from "./shared/elementwise.ts";
import { numbersOf, sum } from "./shared/parameters.ts";

/** One of the rules that Ramé et al. compare with the mean. */
export const geometricMean: Method = {
  name: "geometric_mean",
  title: "Geometric mean",
  summary: "The weighted geometric mean of the magnitudes; 0 where the models' signs differ.",
  formula: "θ = s · Π |θ_i|^{λ_i},  λ_i = w_i / Σ w,  s = the common sign, or 0",
  paper: RATATOUILLE_PAPER,
  parameters: [{ name: "weight", scope: "model", type: "number", default: 1, min: 0, description: "how much the model counts" }],
  base: "none",
  models: { min: 1, max: Number.POSITIVE_INFINITY },
  program: elementwise(({ parameters: { models } }) => {
    const given = numbersOf(models, "weight");
    const total = sum(given);
    if (total === 0) throw new RangeError("all weights are 0: one model at least has to have one");
    const weights = given.map((weight) => weight / total);
    return (values) => {
      const sign = commonSign(values);
      if (sign === 0) return 0;
      let log = 0;
      for (let k = 0; k < values.length; k++) log += weights[k]! * ln(Math.abs(values[k]!));
      return sign * exp(log);
    };
  }),
};
