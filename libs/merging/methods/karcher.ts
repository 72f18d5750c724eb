import { acos, cos, sin } from "#libs/deterministic";
import type { Method } from "../method.ts";
import { cosine, length, lengths } from "./shared/gram.ts";
import { numberOf, sum } from "./shared/parameters.ts";

/** From this cosine on, the direction to a point is lost in rounding. */
const OPPOSITE = -1 + 1e-14;

/** Karcher 1977: the centre of mass on the sphere. Every step stays among sums of the models, so dot products are all it needs. */
export const karcher: Method = {
  name: "karcher",
  title: "Karcher mean",
  summary: "The point of the sphere with the least squared arcs to the models' directions, with their mean length.",
  formula: "u = argmin Σ arccos²⟨u, θ_i/‖θ_i‖⟩ by u ← exp_u((1/M) Σ log_u(θ_i/‖θ_i‖));  θ = (1/M) Σ ‖θ_i‖ · u",
  paper: {
    authors: "Karcher",
    year: 1977,
    title: "Riemannian center of mass and mollifier smoothing",
    link: "https://doi.org/10.1002/cpa.3160300502",
  },
  parameters: [
    { name: "max_iter", scope: "merge", type: "integer", default: 10, min: 0, description: "the most steps" },
    { name: "tol", scope: "merge", type: "number", default: 1e-5, min: 0, description: "steps and angles below it end the search" },
  ],
  base: "none",
  models: { min: 1, max: Number.POSITIVE_INFINITY },
  program({ models: count, parameters: { merge } }) {
    if (count === 1) return { kind: "mean", weights: [1], divisor: 1 };
    const steps = numberOf(merge, "max_iter");
    const tolerance = numberOf(merge, "tol");
    return { kind: "gram", of: "models", scope: "tensor", coefficients: (gram) => karcherMean(gram, count, steps, tolerance) };
  },
};

function karcherMean(gram: Float64Array, count: number, steps: number, tolerance: number): number[] {
  const sizes = lengths(gram, count);
  const long = sizes.flatMap((size, i) => (size > tolerance ? [i] : []));
  // A tensor of small numbers has directions too: mergekit makes it zero.
  const used = long.length > 0 ? long : sizes.flatMap((size, i) => (size > 0 ? [i] : []));
  const coefficients = new Array<number>(count).fill(0);
  if (used.length === 0) return coefficients;
  const scale = sum(sizes) / count;
  const centre = centreOf(cosines(gram, count, used), used.length, steps, tolerance);
  used.forEach((i, k) => {
    coefficients[i] = (scale * centre[k]!) / sizes[i]!;
  });
  return coefficients;
}

/** Dot products of the unit vectors. */
function cosines(gram: Float64Array, count: number, used: readonly number[]): Float64Array {
  return Float64Array.from(used.flatMap((i) => used.map((j) => (i === j ? 1 : cosine(gram, count, i, j)))));
}

/** The centre as a sum of the unit vectors. */
function centreOf(units: Float64Array, count: number, steps: number, tolerance: number): number[] {
  const share = 1 / count;
  const scaled = (by: number, a: readonly number[]) => a.map((value) => by * value);
  let centre = new Array<number>(count).fill(share);
  const size = length(units, centre);
  centre = size < tolerance ? centre.map((_, i) => (i === 0 ? 1 : 0)) : scaled(1 / size, centre);
  for (let step = 0; step < steps; step++) {
    const tangent = new Array<number>(count).fill(0);
    for (let i = 0; i < count; i++) {
      const dot = Math.min(1, Math.max(-1, sum(centre.map((value, j) => value * units[i * count + j]!))));
      const angle = acos(dot);
      // No arc goes to the opposite point rather than another: it does not pull.
      if (angle < tolerance || dot < OPPOSITE) continue;
      const by = (share * angle) / sin(angle);
      for (let j = 0; j < count; j++) tangent[j]! -= by * dot * centre[j]!;
      tangent[i]! += by;
    }
    const far = length(units, tangent);
    if (!(far >= tolerance && far > 0)) break;
    centre = centre.map((value, j) => cos(far) * value + (sin(far) / far) * tangent[j]!);
    const now = length(units, centre);
    if (now > tolerance) centre = scaled(1 / now, centre);
  }
  return centre;
}
