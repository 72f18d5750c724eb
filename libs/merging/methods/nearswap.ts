import type { Method } from "../method.ts";
import { numberOf } from "./shared/parameters.ts";

/** alchemonaut 2024: every number goes towards the other model, by t at most; so near ones are swapped. */
export const nearswap: Method = {
  name: "nearswap",
  title: "NearSwap",
  summary: "The base, where each number goes up to t towards the other model: those that are near become the other's.",
  formula: "θ = (1−w) θ_0 + w θ_1,  w = min(1, t / |θ_1 − θ_0|)",
  paper: {
    authors: "alchemonaut",
    year: 2024,
    title: "QuartetAnemoi-70B-t0.0001",
    link: "https://huggingface.co/alchemonaut/QuartetAnemoi-70B-t0.0001",
  },
  parameters: [{ name: "t", scope: "merge", type: "number", min: 0, description: "the largest step" }],
  base: "required",
  models: { min: 1, max: 1 },
  program({ parameters: { merge } }) {
    const t = numberOf(merge, "t");
    return {
      kind: "ranges",
      of: "models",
      reductions: [],
      apply({ models: [values], base, count }, _, out) {
        for (let i = 0; i < count; i++) {
          const from = base![i]!;
          const far = values![i]! - from;
          out[i] = Math.abs(far) <= t ? values![i]! : from + (far > 0 ? t : -t);
        }
      },
    };
  },
};
