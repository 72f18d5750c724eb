import type { Method } from "../method.ts";
import { numberOf } from "./shared/parameters.ts";
import { EPSILON, mergedChange, RAM_PAPER } from "./shared/ram.ts";

/** Yuan et al. 2026: what one model alone changed stays whole, what several changed is their mean. */
export const ram: Method = {
  name: "ram",
  title: "RAM",
  summary: "What one model alone changed stays whole; what several changed is the mean of their changes.",
  formula: "θ_p = θ_{0,p} + (1/|C_p|) Σ_{i∈C_p} τ_{i,p},  C_p = {i: |τ_{i,p}| > ε}",
  paper: RAM_PAPER,
  parameters: [EPSILON],
  base: "required",
  models: { min: 1, max: Number.POSITIVE_INFINITY },
  program({ models: count, parameters: { merge } }) {
    const epsilon = numberOf(merge, "epsilon");
    const ones = new Float64Array(count).fill(1);
    return {
      kind: "ranges",
      of: "differences",
      reductions: [],
      apply({ models, base, count: length }, _, out) {
        for (let i = 0; i < length; i++) out[i] = base![i]! + mergedChange(models, i, epsilon, ones);
      },
    };
  },
};
