import { mersenneTwister } from "../mersenne-twister.ts";

/** How numpy's `RandomState` draws whole numbers and shuffles with MT19937. Only for what others have published with it. */
export type RandomState = {
  /** A whole number from 0 to `most`: words with the bits above cut off, until one is not too large. */
  upTo(most: number): number;
  /** Shuffles in place, as `RandomState.shuffle` does. */
  shuffle(values: Int32Array): void;
};

/**
 * The generator that `numpy.random.RandomState(seed)` is.
 * @param seed a whole number from 0 to 2^32 - 1.
 * @example
 * ```ts
 * const values = Int32Array.from([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
 * randomState(894182419).shuffle(values);
 * [...values]; // [2, 3, 8, 1, 4, 5, 0, 9, 6, 7]
 * ```
 */
export function randomState(seed: number): RandomState {
  const word = mersenneTwister(seed);
  const upTo = (most: number): number => {
    if (most === 0) return 0;
    const mask = 0xffffffff >>> Math.clz32(most);
    for (;;) {
      const value = (word() & mask) >>> 0;
      if (value <= most) return value;
    }
  };
  return {
    upTo,
    shuffle(values) {
      for (let i = values.length - 1; i > 0; i--) {
        const j = upTo(i);
        const value = values[i]!;
        values[i] = values[j]!;
        values[j] = value;
      }
    },
  };
}
