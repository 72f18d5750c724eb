import { MAGNITUDE, patternsOf } from "./patterns.ts";

const BITS = 11;
const BINS = 1 << BITS;

/**
 * The ranks of the magnitudes of floats, 0 for the smallest; equal ones are in the order of their indexes. A radix sort of three passes:
 * linear in the count, with no comparison.
 */
export function ranksOf(values: Float32Array | Float64Array): Uint32Array {
  const patterns = patternsOf(values);
  let order = Uint32Array.from({ length: values.length }, (_, i) => i);
  let next = new Uint32Array(values.length);
  const starts = new Uint32Array(BINS + 1);
  for (let shift = 0; shift < 31; shift += BITS) {
    starts.fill(0);
    for (let i = 0; i < order.length; i++) starts[(((patterns[i]! & MAGNITUDE) >>> shift) & (BINS - 1)) + 1]! += 1;
    for (let bin = 0; bin < BINS; bin++) starts[bin + 1]! += starts[bin]!;
    for (let i = 0; i < order.length; i++) {
      const index = order[i]!;
      next[starts[((patterns[index]! & MAGNITUDE) >>> shift) & (BINS - 1)]!++] = index;
    }
    [order, next] = [next, order];
  }
  for (let rank = 0; rank < order.length; rank++) next[order[rank]!] = rank;
  return next;
}
