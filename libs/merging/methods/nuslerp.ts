import type { Method, Program } from "../method.ts";
import { onArc, onLine } from "./shared/arc.ts";
import { columnProgram } from "./shared/columns.ts";
import { cosine, fromBase } from "./shared/gram.ts";
import { numbersOf, weight } from "./shared/parameters.ts";

/** mergekit's NuSLERP: SLERP by weights instead of by t, of the models or of their task vectors, as one vector or by rows or columns. */
export const nuslerp: Method = {
  name: "nuslerp",
  title: "NuSLERP",
  summary: "SLERP by relative weights, on task vectors where there is a base; a tensor is one vector, or many.",
  formula: "θ = θ_0 + [sin((1−t)Ω) τ_1 + sin(tΩ) τ_2] / sin Ω,  t = w_2 / (w_1 + w_2);  without a base θ_0 = 0",
  paper: {
    authors: "Shoemake",
    year: 1985,
    title: "Animating rotation with quaternion curves",
    link: "https://doi.org/10.1145/325165.325242",
  },
  parameters: [
    weight,
    {
      name: "nuslerp_flatten",
      scope: "merge",
      type: "boolean",
      default: true,
      description: "each tensor is one vector; otherwise each of its rows (last dimension)",
    },
    {
      name: "nuslerp_row_wise",
      scope: "merge",
      type: "boolean",
      default: false,
      description: "without nuslerp_flatten: vectors run along the first dimension instead of the last, as in mergekit",
    },
  ],
  base: "optional",
  models: { min: 2, max: 2 },
  program({ shape, hasBase, parameters: { merge, models } }): Program {
    const [first, second] = numbersOf(models, "weight") as [number, number];
    const t = Math.abs(first + second) < 1e-6 ? 0.5 : second / (first + second);
    const of = hasBase ? "differences" : "models";
    const onVectors = (gram: Float64Array): readonly number[] => {
      const cos = cosine(gram, 2, 0, 1);
      return 1 - cos * cos <= 1e-16 ? onLine(t) : onArc(cos, t);
    };
    if (merge["nuslerp_flatten"] !== true && merge["nuslerp_row_wise"] === true && shape.length > 1) {
      return columnProgram({ shape, of, models: 2, coefficients: onVectors });
    }
    return {
      kind: "gram",
      of,
      scope: merge["nuslerp_flatten"] === true ? "tensor" : "row",
      coefficients: (gram) => (hasBase ? fromBase(onVectors(gram)) : onVectors(gram)),
    };
  },
};
