/**
 * Counter-based random numbers: splitmix32, addressed by position instead of by state.
 * Every number is a function of (seed, index), so the order in which numbers are asked for, the runtime
 * and a restart in the middle do not change them.
 */

const GOLDEN = 0x9e3779b9;

/**
 * The finaliser of splitmix32 on a 32-bit word. Check value: `mix(1) === 2261973619`.
 * @example
 * ```ts
 * mix(1); // 2261973619
 * ```
 */
export function mix(word: number): number {
  let z = word >>> 0;
  z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
  z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
  return (z ^ (z >>> 15)) >>> 0;
}

/**
 * The k-th 32-bit output of splitmix32(seed), k from 0.
 * @example
 * ```ts
 * // Any number of the sequence, in any order: nothing was drawn before.
 * [2, 1, 0].map((k) => uint32(1, k)); // [3524174333, 350525680, 1580013426]
 * ```
 */
export function uint32(seed: number, k: number): number {
  return mix(seed + Math.imul(GOLDEN, k + 1));
}

/**
 * The k-th uniform number in [0, 1) of a seed. Check value: `uniform(1, 0)` is 0.36787554 to 8 digits.
 * @example
 * ```ts
 * uniform(1, 0).toFixed(8); // "0.36787554"
 * uniform(1, 0) === uint32(1, 0) / 2 ** 32; // true
 * ```
 */
export function uniform(seed: number, k: number): number {
  return uint32(seed, k) / 4294967296;
}

/**
 * The i-th child seed. Check values: `sub(1, 0..2)` are 380648332, 2509581202, 178682984.
 * @example
 * ```ts
 * // Each part of a run has a seed of its own: what one part draws never changes the others.
 * [0, 1, 2].map((i) => sub(1, i)); // [380648332, 2509581202, 178682984]
 * ```
 */
export function sub(seed: number, i: number): number {
  return mix(mix(seed + GOLDEN) ^ Math.imul(i, 0x85ebca6b));
}
