import type { Method } from "../method.ts";
import { DARE_PAPER, DARE_PARAMETERS, dareProgram } from "./shared/dare.ts";

/** Yu et al. 2023, drop and rescale, then the election of signs of TIES. */
export const dareTies: Method = {
  name: "dare_ties",
  title: "DARE TIES",
  summary: "Differences are dropped by chance and made larger in turn; of what stays only what has the elected sign.",
  formula: "θ = θ_0 + λ Σ_{i∈A} w_i τ̂_i,  τ̂_i = m_i ⊙ τ_i / (1−p_i),  m_i ~ Bernoulli(1−p_i),  A = {i: sgn τ̂_i = sgn Σ w_j τ̂_j}",
  paper: DARE_PAPER,
  parameters: DARE_PARAMETERS,
  base: "required",
  models: { min: 1, max: Number.POSITIVE_INFINITY },
  random: true,
  program: (task) => dareProgram(task, true),
};
