import type { Method, Range, Reduction } from "../method.ts";
import { inline } from "./shared/inline.ts";
import { numberOf } from "./shared/parameters.ts";
import { changes, EPSILON, mergedChange, RAM_PAPER } from "./shared/ram.ts";

/** Yuan et al. 2026, RAM+: what one model alone changed is made larger, the more of its changes are shared. The ratio is per tensor, as in mergekit. */
export const ramplusTl: Method = {
  name: "ramplus_tl",
  title: "RAM+",
  summary: "As RAM, and what one model alone changed is made larger the more of its changes it shares with others.",
  formula: "θ_p = θ_{0,p} + λ_i τ_{i,p} where C_p = {i}, else as RAM;  λ_i = 1 + r · min(α, shared_i / unique_i), counted in each tensor",
  paper: RAM_PAPER,
  parameters: [
    { name: "r", scope: "merge", type: "number", default: 0.1, min: 0, description: "how much the shared part counts" },
    { name: "alpha", scope: "merge", type: "number", default: 0.2, min: 0, description: "the most that the shared part counts as" },
    EPSILON,
  ],
  base: "required",
  models: { min: 1, max: Number.POSITIVE_INFINITY },
  program({ shape, models: count, parameters: { merge } }) {
    const epsilon = numberOf(merge, "epsilon");
    const [r, alpha] = [numberOf(merge, "r"), numberOf(merge, "alpha")];
    const elements = shape.reduce((product, dimension) => product * dimension, 1);
    const shares: Reduction = {
      order: "any",
      scope: "tensor",
      // Of each model: changes that it shares, and those that are its own.
      start: () => new Float64Array(2 * count),
      add(counts: Float64Array, { models, count: length }: Range) {
        for (let i = 0; i < length; i++) {
          const alone = changes(models, i, epsilon) === 1 ? 1 : 0;
          for (let k = 0; k < count; k++) if (Math.abs(models[k]![i]!) > epsilon) counts[2 * k + alone]! += 1;
        }
      },
      merge: (a: Float64Array, b: Float64Array) => a.map((value, i) => value + b[i]!),
      finish: (counts: Float64Array) =>
        Float64Array.from({ length: count }, (_, k) => 1 + r * Math.min(alpha, counts[2 * k]! / Math.max(counts[2 * k + 1]!, epsilon))),
    };
    return inline(
      {
        kind: "ranges",
        of: "differences",
        reductions: [shares],
        apply({ models, base, count: length }, [factors], out) {
          for (let i = 0; i < length; i++) out[i] = base![i]! + mergedChange(models, i, epsilon, factors as Float64Array);
        },
      },
      elements,
    );
  },
};
