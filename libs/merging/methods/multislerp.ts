import type { Method } from "../method.ts";
import { fromBase, length, lengths } from "./shared/gram.ts";
import { numberOf, numbersOf, sum, weight } from "./shared/parameters.ts";

/**
 * Goddard 2025. The tangent step of the original is at the weighted mean direction of the models, and there the weighted sum of the tangents
 * is zero; so what it gives is that direction, with the mean length.
 */
export const multislerp: Method = {
  name: "multislerp",
  title: "Multi-SLERP",
  summary: "Barycentric interpolation on the sphere, for any number of models: mean direction, mean length.",
  formula: "θ = θ_0 + (Σ w_i ‖τ_i‖) · m / ‖m‖,  m = Σ w_i τ_i / ‖τ_i‖;  without a base θ_0 = 0",
  paper: {
    authors: "Goddard",
    year: 2025,
    title: "Multi-SLERP: wow, what a cool idea",
    link: "https://goddard.blog/posts/multislerp-wow-what-a-cool-idea",
  },
  parameters: [
    weight,
    { name: "normalize_weights", scope: "merge", type: "boolean", default: true, description: "divide the weights by their sum" },
    { name: "eps", scope: "merge", type: "number", default: 1e-8, min: 0, description: "what is added to lengths before dividing by them" },
  ],
  base: "optional",
  models: { min: 1, max: Number.POSITIVE_INFINITY },
  program({ models: count, hasBase, parameters: { merge, models } }) {
    const given = numbersOf(models, "weight");
    const total = merge["normalize_weights"] === true ? sum(given) : 1;
    if (total === 0) throw new RangeError(`the weights ${given.join(", ")} sum to 0: give others, or normalize_weights=false`);
    const weights = given.map((value) => value / total);
    const eps = numberOf(merge, "eps");
    if (count === 1) return { kind: "combine", coefficients: hasBase ? [1, 0] : [1] };
    const onSphere = (gram: Float64Array): readonly number[] => {
      const sizes = lengths(gram, count);
      // A model that is zero here, or that is the base, has no direction; coefficients of 1 / eps would drown all others in rounding.
      const direction = weights.map((value, i) => (sizes[i] === 0 ? 0 : value / (sizes[i]! + eps)));
      const size = length(gram, direction);
      const mean = sum(sizes.map((value, i) => value * weights[i]!));
      // All of them zero: there is nothing to interpolate, and any coefficients do.
      if (sizes.every((value) => value === 0)) return weights;
      if (size >= eps && size > 0) return direction.map((value) => (value / size) * mean);
      if (count === 2) return weights;
      throw new RangeError("the weighted directions of the models cancel, so they have no mean on the sphere: give other weights");
    };
    return {
      kind: "gram",
      of: hasBase ? "differences" : "models",
      scope: "tensor",
      coefficients: (gram) => (hasBase ? fromBase(onSphere(gram)) : onSphere(gram)),
    };
  },
};
