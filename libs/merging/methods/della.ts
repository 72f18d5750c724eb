import type { Method } from "../method.ts";
import { DELLA_PAPER, dellaParameters, dellaProgram } from "./shared/della.ts";

/** Deep et al. 2024: drop by chance and magnitude, elect signs, fuse. */
export const della: Method = {
  name: "della",
  title: "DELLA",
  summary: "Differences are dropped by chance, the small ones rather than the large; of what stays only what has the elected sign.",
  formula:
    "θ = θ_0 + λ Σ_{i∈A} w_i τ̂_i / Σ_{i∈A} w_i,  τ̂_i = m_i ⊙ τ_i / (1−p_i),  1−p_i = density − ε + 2ε · rank|τ_i| / (n−1) in its row",
  paper: DELLA_PAPER,
  parameters: dellaParameters(true),
  base: "required",
  models: { min: 1, max: Number.POSITIVE_INFINITY },
  random: true,
  program: (task) => dellaProgram(task, true),
};
