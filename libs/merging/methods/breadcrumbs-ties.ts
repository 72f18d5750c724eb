import type { Method } from "../method.ts";
import { BREADCRUMBS_PAPER, BREADCRUMBS_PARAMETERS, breadcrumbsProgram } from "./shared/breadcrumbs.ts";

/** The masks of Davari and Belilovsky 2023, with the election of signs of TIES. */
export const breadcrumbsTies: Method = {
  name: "breadcrumbs_ties",
  title: "Model Breadcrumbs with TIES",
  summary: "Without the largest and the smallest differences of each model; of the others those that have the elected sign.",
  formula: "θ = θ_0 + λ Σ_{i∈A} w_i m_i ⊙ τ_i,  A = {i: sgn m_i τ_i = sgn Σ w_j m_j τ_j},  m_i as in breadcrumbs",
  paper: BREADCRUMBS_PAPER,
  parameters: BREADCRUMBS_PARAMETERS,
  base: "required",
  models: { min: 1, max: Number.POSITIVE_INFINITY },
  program: (task) => breadcrumbsProgram(task, true),
};
