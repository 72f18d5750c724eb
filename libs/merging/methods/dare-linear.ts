import type { Method } from "../method.ts";
import { DARE_PAPER, DARE_PARAMETERS, dareProgram } from "./shared/dare.ts";

/** Yu et al. 2023, drop and rescale, then task arithmetic. Rescaled by 1/(1−p) as in the paper, which leaves the expectation as it was. */
export const dareLinear: Method = {
  name: "dare_linear",
  aliases: ["dare"],
  title: "DARE linear",
  summary: "Task arithmetic with differences that are dropped by chance and made larger in turn.",
  formula: "θ = θ_0 + λ Σ w_i m_i ⊙ τ_i / (1−p_i),  m_i ~ Bernoulli(1−p_i),  density = 1−p",
  paper: DARE_PAPER,
  parameters: DARE_PARAMETERS,
  base: "required",
  models: { min: 1, max: Number.POSITIVE_INFINITY },
  random: true,
  program: (task) => dareProgram(task, false),
};
