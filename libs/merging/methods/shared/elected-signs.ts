import type { Range, Reduction } from "../../method.ts";
import type { Sparsifier } from "./sparse.ts";

type Signs = { plus: number; minus: number };

const PIECE = 4096;

/** Counts the signs of Σ w_i τ̂_i over the whole model: where the sum is zero, the paper elects the sign of most others. */
export function electedSigns(sparsifier: Sparsifier, weights: readonly number[]): Reduction {
  const sums = new Float64Array(PIECE);
  const single = new Float32Array(PIECE);
  const double = new Float64Array(PIECE);
  return {
    order: "any",
    scope: "model",
    start: (): Signs => ({ plus: 0, minus: 0 }),
    add(state: Signs, range: Range, results: readonly unknown[]) {
      const thinned = sparsifier.over(range, results);
      for (let from = 0; from < range.count; from += PIECE) {
        const to = Math.min(from + PIECE, range.count);
        sums.fill(0);
        for (const [model, weight] of weights.entries()) {
          const room = range.models[model] instanceof Float32Array ? single : double;
          const values = thinned(model, from, to, room.subarray(0, to - from));
          for (let i = 0; i < values.length; i++) sums[i]! += weight * values[i]!;
        }
        for (let i = 0; i < to - from; i++) {
          if (sums[i]! > 0) state.plus++;
          else if (sums[i]! < 0) state.minus++;
        }
      }
    },
    merge: (a: Signs, b: Signs): Signs => ({ plus: a.plus + b.plus, minus: a.minus + b.minus }),
    finish: (total: Signs) => total,
  };
}

/** The sign of most: 1 or -1. */
export function signOfZero(result: unknown): number {
  const { plus, minus } = result as Signs;
  return minus > plus ? -1 : 1;
}
