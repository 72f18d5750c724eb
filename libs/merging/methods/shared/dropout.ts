import { mix } from "#libs/deterministic";
import type { Values } from "../../method.ts";

const GOLDEN = 0x9e3779b9;
const TWO_32 = 4294967296;

/**
 * Writes values into `out` where `uniform(seed, index)` of #libs/deterministic is below `density`, and zeros in place of the others.
 * `first` is the index of the first in the tensor; every 2^32 indexes the seed is another.
 */
export function dropout(values: Values, first: number, seed: number, density: number, out: Values): void {
  const { start, limit } = countersOf(first, seed, density);
  if (values instanceof Float32Array) {
    const count = values.length;
    dropPatterns(new Int32Array(values.buffer, values.byteOffset, count), start, limit, new Int32Array(out.buffer, out.byteOffset, count));
  } else {
    for (let i = 0; i < values.length; i++) out[i] = mix(start + Math.imul(GOLDEN, i)) < limit ? values[i]! : 0;
  }
}

/** What is given to `mix` for the first element, one step of the golden ratio for each more; those stay whose number is below the limit. */
export function countersOf(first: number, seed: number, density: number): { readonly start: number; readonly limit: number } {
  const turn = Math.floor(first / TWO_32);
  const start = ((turn === 0 ? seed : mix(seed ^ turn)) + Math.imul(GOLDEN, (first % TWO_32) + 1)) | 0;
  return { start, limit: Math.ceil(density * TWO_32) };
}

/** The body of `mix`, so that it stays whole numbers of 32 bits all the way, without branches. */
function dropPatterns(patterns: Int32Array, start: number, limit: number, out: Int32Array): void {
  const count = patterns.length;
  // Signed numbers are compared, each less 2^31.
  const bound = limit - 2147483648;
  let counter = start | 0;
  for (let i = 0; i < count; i++) {
    let z = counter;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    z ^= z >>> 15;
    out[i] = patterns[i]! & -((z ^ 0x80000000) < bound ? 1 : 0);
    counter = (counter + GOLDEN) | 0;
  }
}
