/**
 * Philox4x32-10: counter-based random numbers, after Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3",
 * SC 2011. Random123, PyTorch, TensorFlow and JAX have the same function.
 */

/** Two words of 32 bits: which sequence. */
export type PhiloxKey = readonly [number, number];
/** Four words of 32 bits, the least significant first: where in it. */
export type PhiloxCounter = readonly [number, number, number, number];

const ROUNDS = 10;
const MULTIPLIER_0 = 0xd2511f53;
const MULTIPLIER_1 = 0xcd9e8d57;
const WEYL_0 = 0x9e3779b9;
const WEYL_1 = 0xbb67ae85;

/**
 * Four random words of 32 bits for a counter and a key.
 * @param out where the words are written; a new array if there is none.
 * @returns `out`.
 * @example
 * ```ts
 * [...philox([0, 0, 0, 0], [0, 0])]; // [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]
 * ```
 */
export function philox([c0, c1, c2, c3]: PhiloxCounter, [k0, k1]: PhiloxKey, out = new Uint32Array(4)): Uint32Array {
  let w0 = c0 | 0;
  let w1 = c1 | 0;
  let w2 = c2 | 0;
  let w3 = c3 | 0;
  let key0 = k0 | 0;
  let key1 = k1 | 0;
  for (let round = 0; round < ROUNDS; round++) {
    const next0 = high(MULTIPLIER_1, w2) ^ w1 ^ key0;
    const next2 = high(MULTIPLIER_0, w0) ^ w3 ^ key1;
    w1 = Math.imul(MULTIPLIER_1, w2);
    w3 = Math.imul(MULTIPLIER_0, w0);
    w0 = next0;
    w2 = next2;
    key0 = (key0 + WEYL_0) | 0;
    key1 = (key1 + WEYL_1) | 0;
  }
  out[0] = w0;
  out[1] = w1;
  out[2] = w2;
  out[3] = w3;
  return out;
}

/** The upper 32 bits of the product of two words, as a signed number. */
export function high(a: number, b: number): number {
  const a0 = a & 0xffff;
  const a1 = a >>> 16;
  const b0 = b & 0xffff;
  const b1 = b >>> 16;
  // Neither sum has more than 32 bits.
  const inner = (Math.imul(a1, b0) + (Math.imul(a0, b0) >>> 16)) | 0;
  const outer = (Math.imul(a0, b1) + (inner & 0xffff)) | 0;
  return (Math.imul(a1, b1) + (inner >>> 16) + (outer >>> 16)) | 0;
}
