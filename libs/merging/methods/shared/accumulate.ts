import type { Values } from "../../method.ts";

/** sums[i] += by · values[i]. */
export function addScaled(values: Values, by: number, sums: Float64Array): void {
  const count = values.length;
  for (let i = 0; i < count; i++) sums[i]! += by * values[i]!;
}

/** Sums of positive and of negative terms apart, with the weights of both: what an elected sign chooses from. */
export type SignedSums = {
  readonly positive: Float64Array;
  readonly negative: Float64Array;
  readonly positiveWeight: Float64Array;
  readonly negativeWeight: Float64Array;
};

/**
 * Adds terms by · values[i], and `weight` to the weights of their sign; a zero has none. Without branches: the sign of a term is as good as
 * random. 1e300 twice takes the least double beyond 1.
 */
export function addSigned(values: Values, by: number, weight: number, sums: SignedSums): void {
  const { positive, negative, positiveWeight, negativeWeight } = sums;
  const count = values.length;
  for (let i = 0; i < count; i++) {
    const term = by * values[i]!;
    const up = Math.max(term, 0);
    const down = Math.min(term, 0);
    positive[i]! += up;
    negative[i]! += down;
    positiveWeight[i]! += weight * Math.min(1, up * 1e300 * 1e300);
    negativeWeight[i]! += weight * Math.min(1, down * -1e300 * 1e300);
  }
}
