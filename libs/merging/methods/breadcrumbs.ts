import type { Method } from "../method.ts";
import { BREADCRUMBS_PAPER, BREADCRUMBS_PARAMETERS, breadcrumbsProgram } from "./shared/breadcrumbs.ts";

/** Davari and Belilovsky 2023: neither the largest differences, which are outliers, nor the smallest, which are noise. */
export const breadcrumbs: Method = {
  name: "breadcrumbs",
  title: "Model Breadcrumbs",
  summary: "Task arithmetic without the largest and the smallest differences of each model.",
  formula: "θ = θ_0 + λ Σ w_i m_i ⊙ τ_i,  m_i = 1 for the density·n largest |τ_i| after the gamma·n largest",
  paper: BREADCRUMBS_PAPER,
  parameters: BREADCRUMBS_PARAMETERS,
  base: "required",
  models: { min: 1, max: Number.POSITIVE_INFINITY },
  program: (task) => breadcrumbsProgram(task, false),
};
