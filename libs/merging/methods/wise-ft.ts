import type { Method } from "../method.ts";
import { numberOf } from "./shared/parameters.ts";

/** Wortsman et al. 2021: between the zero-shot model and its fine-tuning. */
export const wiseFt: Method = {
  name: "wise_ft",
  title: "WiSE-FT",
  summary: "The straight line between the base and one fine-tuning of it.",
  formula: "θ(α) = (1−α) θ_0 + α θ_1",
  paper: {
    authors: "Wortsman et al.",
    year: 2021,
    title: "Robust fine-tuning of zero-shot models",
    link: "https://arxiv.org/abs/2109.01903",
  },
  parameters: [
    {
      name: "alpha",
      scope: "merge",
      type: "number",
      default: 0.5,
      min: 0,
      max: 1,
      description: "where on the line: 0 is the base, 1 the fine-tuning",
    },
  ],
  base: "required",
  models: { min: 1, max: 1 },
  program({ parameters: { merge } }) {
    const alpha = numberOf(merge, "alpha");
    return { kind: "combine", coefficients: [alpha, 1 - alpha] };
  },
};
