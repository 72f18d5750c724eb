import type { Values } from "../../method.ts";

let floats = new Float32Array(0);

/**
 * The patterns of floats as whole numbers, with their sign bit: without it they are in the order of the magnitudes. Doubles are rounded to
 * float first (so mergekit ranks them too), in a room that the next call takes again.
 */
export function patternsOf(values: Values): Int32Array {
  if (values instanceof Float32Array) return new Int32Array(values.buffer, values.byteOffset, values.length);
  if (floats.length < values.length) floats = new Float32Array(values.length);
  floats.set(values);
  return new Int32Array(floats.buffer, 0, values.length);
}

/** All bits of a pattern but the sign. */
export const MAGNITUDE = 0x7fffffff;

const float = new Float32Array(1);
const pattern = new Int32Array(float.buffer);

/** The float of a pattern without sign. */
export function floatOf(bits: number): number {
  pattern[0] = bits;
  return float[0]!;
}
