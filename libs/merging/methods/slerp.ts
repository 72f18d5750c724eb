import type { Method } from "../method.ts";
import { onArc, onLine } from "./shared/arc.ts";
import { cosine } from "./shared/gram.ts";
import { numberOf } from "./shared/parameters.ts";

/** From this cosine on, arc and line are the same to float32, and the sine of the angle is a poor divisor. */
const NEARLY_PARALLEL = 0.9995;

/** Shoemake 1985, on each tensor as one vector. Fine-tunings of one base are nearly parallel almost always: then it is the straight line. */
export const slerp: Method = {
  name: "slerp",
  title: "SLERP",
  summary: "The point at t on the arc from the first model to the second, tensor by tensor.",
  formula: "θ = [sin((1−t)Ω) θ_1 + sin(tΩ) θ_2] / sin Ω,  cos Ω = ⟨θ_1, θ_2⟩ / (‖θ_1‖ ‖θ_2‖);  |cos Ω| > 0.9995: (1−t) θ_1 + t θ_2",
  paper: {
    authors: "Shoemake",
    year: 1985,
    title: "Animating rotation with quaternion curves",
    link: "https://doi.org/10.1145/325165.325242",
  },
  parameters: [
    { name: "t", scope: "merge", type: "number", default: 0.5, description: "where on the arc: 0 is the first model, 1 the second" },
  ],
  base: "none",
  models: { min: 2, max: 2 },
  program({ parameters: { merge } }) {
    const t = numberOf(merge, "t");
    return {
      kind: "gram",
      of: "models",
      scope: "tensor",
      coefficients(gram) {
        const cos = cosine(gram, 2, 0, 1);
        return Math.abs(cos) > NEARLY_PARALLEL ? onLine(t) : onArc(cos, t);
      },
    };
  },
};
