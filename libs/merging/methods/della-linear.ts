import type { Method } from "../method.ts";
import { DELLA_PAPER, dellaParameters, dellaProgram } from "./shared/della.ts";

/** Deep et al. 2024 without the election of signs. */
export const dellaLinear: Method = {
  name: "della_linear",
  title: "DELLA linear",
  summary: "Task arithmetic with differences that are dropped by chance, the small ones rather than the large.",
  formula: "θ = θ_0 + λ Σ w_i τ̂_i,  τ̂_i = m_i ⊙ τ_i / (1−p_i),  1−p_i = density − ε + 2ε · rank|τ_i| / (n−1) in its row",
  paper: DELLA_PAPER,
  parameters: dellaParameters(false),
  base: "required",
  models: { min: 1, max: Number.POSITIVE_INFINITY },
  random: true,
  program: (task) => dellaProgram(task, false),
};
