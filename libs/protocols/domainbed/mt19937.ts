/**
 * numpy's `RandomState`: the generator MT19937 (Matsumoto and Nishimura, "Mersenne Twister", ACM TOMACS 8(1), 1998) and how numpy draws
 * whole numbers and shuffles with it. Only for what others have published with it; our own draws come from Philox.
 */
export type RandomState = {
  /** A whole number from 0 to `most`: words with the bits above cut off, until one is not too large. */
  upTo(most: number): number;
  /** Shuffles in place, as `RandomState.shuffle` does. */
  shuffle(values: Int32Array): void;
};

const WORDS = 624;
const SHIFT = 397;

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
  const state = new Uint32Array(WORDS);
  state[0] = seed;
  for (let i = 1; i < WORDS; i++) {
    const before = state[i - 1]! ^ (state[i - 1]! >>> 30);
    state[i] = Math.imul(before, 1812433253) + i;
  }
  let next = WORDS;
  const word = (): number => {
    if (next === WORDS) {
      twist(state);
      next = 0;
    }
    let y = state[next++]!;
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  };
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

function twist(state: Uint32Array): void {
  for (let i = 0; i < WORDS; i++) {
    const y = (state[i]! & 0x80000000) | (state[(i + 1) % WORDS]! & 0x7fffffff);
    state[i] = state[(i + SHIFT) % WORDS]! ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
  }
}
