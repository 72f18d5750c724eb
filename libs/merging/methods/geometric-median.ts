import type { Method } from "../method.ts";
import { fromBase } from "./shared/gram.ts";
import { numberOf, numbersOf, sum } from "./shared/parameters.ts";

/**
 * Pillutla et al. 2022: the point with the least sum of distances, by Weiszfeld's algorithm. Every step stays among means of the models, so
 * their dot products are all it needs. With a base the differences to it are taken, where distances lose fewer digits.
 */
export const geometricMedian: Method = {
  name: "geometric_median",
  title: "Geometric median",
  summary: "The point with the least sum of distances to the models: fewer than half of the weight can be anywhere.",
  formula: "θ = argmin Σ w_i ‖θ − θ_i‖ by θ ← Σ β_i θ_i / Σ β_i,  β_i = w_i / ‖θ − θ_i‖",
  paper: {
    authors: "Pillutla et al.",
    year: 2022,
    title: "Robust aggregation for federated learning",
    link: "https://arxiv.org/abs/1912.13445",
  },
  parameters: [
    { name: "weight", scope: "model", type: "number", default: 1, min: 0, description: "how much the model counts" },
    {
      name: "whole_model",
      scope: "merge",
      type: "boolean",
      default: true,
      description: "distances between whole models, so that all tensors have the same weights; otherwise between tensors",
    },
    { name: "max_iter", scope: "merge", type: "integer", default: 100, min: 1, description: "the most steps" },
    {
      name: "tol",
      scope: "merge",
      type: "number",
      default: 1e-9,
      min: 0,
      description: "a step that changes no weight by more is the last",
    },
  ],
  base: "optional",
  models: { min: 1, max: Number.POSITIVE_INFINITY },
  program({ models: count, hasBase, parameters: { merge, models } }) {
    const weights = numbersOf(models, "weight");
    if (sum(weights) === 0) throw new RangeError("all weights are 0: one model at least has to have one");
    const steps = numberOf(merge, "max_iter");
    const tolerance = numberOf(merge, "tol");
    const find = (gram: Float64Array) => weiszfeld(squaredDistances(gram, count), weights, steps, tolerance);
    return {
      kind: "gram",
      of: hasBase ? "differences" : "models",
      scope: merge["whole_model"] === true ? "model" : "tensor",
      coefficients: (gram) => (hasBase ? fromBase(find(gram)) : find(gram)),
    };
  },
};

function squaredDistances(gram: Float64Array, count: number): number[][] {
  const dot = (i: number, j: number) => gram[i * count + j]!;
  return Array.from({ length: count }, (_, i) =>
    Array.from({ length: count }, (_, j) => Math.max(0, dot(i, i) + dot(j, j) - 2 * dot(i, j))),
  );
}

/** Coefficients of sum 1. */
function weiszfeld(squares: readonly number[][], weights: readonly number[], steps: number, tolerance: number): number[] {
  const total = sum(weights);
  let centre = weights.map((weight) => weight / total);
  const widest = Math.sqrt(Math.max(...squares.flat()));
  if (widest === 0) return centre;
  // Weiszfeld's steps come ever more slowly to a point that is one of the models.
  const model = weights.findIndex((_, k) => isMedian(squares, weights, k));
  if (model >= 0) return weights.map((_, i) => (i === model ? 1 : 0));
  for (let step = 0; step < steps; step++) {
    const betas = weights.map((weight, i) => weight / Math.max(distance(squares, centre, i), 1e-12 * widest));
    const scale = sum(betas);
    const next = betas.map((beta) => beta / scale);
    const change = Math.max(...next.map((value, i) => Math.abs(value - centre[i]!)));
    centre = next;
    if (change <= tolerance) break;
  }
  return centre;
}

/** Where the forces are equal, other points are as good, and the order of the models must not choose between them. */
const CLEARLY = 1 - 1e-9;

/**
 * Whether a model alone is the geometric median: the others pull at it, each by its weight, with less force than its own weight holds it
 * (Vardi and Zhang 2000, "The multivariate L1-median and associated data depth").
 */
function isMedian(squares: readonly number[][], weights: readonly number[], k: number): boolean {
  const from = squares[k]!;
  let held = 0;
  let pull = 0;
  for (let i = 0; i < weights.length; i++) {
    if (from[i] === 0) {
      held += weights[i]!;
      continue;
    }
    for (let j = 0; j < weights.length; j++) {
      if (from[j] === 0) continue;
      const cosine = (from[i]! + from[j]! - squares[i]![j]!) / (2 * Math.sqrt(from[i]!) * Math.sqrt(from[j]!));
      pull += weights[i]! * weights[j]! * cosine;
    }
  }
  return pull < CLEARLY * held * held;
}

/** From point i to Σ c_j x_j, where Σ c = 1: its square is Σ_j c_j d_ij² − ½ Σ_jk c_j c_k d_jk². */
function distance(squares: readonly number[][], centre: readonly number[], i: number): number {
  let square = 0;
  for (let j = 0; j < centre.length; j++) {
    square += centre[j]! * squares[i]![j]!;
    for (let k = 0; k < centre.length; k++) square -= 0.5 * centre[j]! * centre[k]! * squares[j]![k]!;
  }
  return Math.sqrt(Math.max(0, square));
}
