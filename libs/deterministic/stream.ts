import { cos, ln, sin } from "./functions.ts";
import { high, type PhiloxKey, philox } from "./philox.ts";

/** What random numbers are for: the second word of the key. Sequences with other purposes have nothing to do with each other. */
export const PURPOSE = { order: 1, augmentation: 2, dropout: 3, initialisation: 4, split: 5, hyperparameters: 6, fusing: 7 } as const;

const WORD = 2 ** 32;

/** Random numbers, one after another. */
export type Stream = {
  /** A whole number from 0 to 2^32 - 1: the next word. */
  uint32(): number;
  /** A number in [0, 1): the next word / 2^32, exact as a double. */
  uniform(): number;
  /**
   * A whole number from 0 to n - 1, each as likely as the others: floor(word · n / 2^32) of the next word for which
   * word · n mod 2^32 is not below (2^32 - n) mod n. Lemire, "Fast random integer generation in an interval", 2019.
   * Throws RangeError unless n is a whole number from 1 to 2^32 - 1.
   */
  below(n: number): number;
  /**
   * Of the standard normal distribution. Two words make two numbers, r · cos t and then r · sin t, with r = √(-2 ln((first + 1) / 2^32))
   * and t = 2π · second / 2^32 (Box and Muller 1958). Their bits are those of this library's ln, cos and sin.
   */
  normal(): number;
  /** The next normal number that lies in [low, high]. */
  truncatedNormal(low: number, high: number): number;
  /** Orders elements anew, every order as likely as the others: for i from the last down to 1, swaps i with below(i + 1). Fisher and Yates. */
  shuffle<T extends { [index: number]: unknown; readonly length: number }>(items: T): T;
};

/**
 * The stream of a key at a place. Its words are those of Philox4x32-10 under the counters [0, ...place], [1, ...place], and so on, four each.
 * @param key [seed, purpose], words of 32 bits.
 * @param place up to three words of 32 bits, zeros where there are fewer. Streams at different places share nothing.
 * @example
 * ```ts
 * const stream = openStream([7, PURPOSE.order], [1, 0]);
 * [stream.uint32(), stream.uint32()]; // [3663035628, 3441616843]
 * ```
 */
export function openStream(key: PhiloxKey, [a = 0, b = 0, c = 0]: readonly number[] = []): Stream {
  const words = new Uint32Array(4);
  let used = 4;
  let block = 0;
  let spare: number | undefined;

  function uint32(): number {
    if (used === 4) {
      philox([block++, a, b, c], key, words);
      used = 0;
    }
    return words[used++]!;
  }

  function below(n: number): number {
    if (!Number.isInteger(n) || n < 1 || n >= WORD) throw new RangeError(`below: expected a whole number from 1 to ${WORD - 1}, got ${n}`);
    while (true) {
      const word = uint32();
      const rest = Math.imul(word, n) >>> 0;
      // Most words need no division: the bound is below n.
      if (rest >= n || rest >= (WORD - n) % n) return high(word, n) >>> 0;
    }
  }

  function normal(): number {
    if (spare !== undefined) {
      const second = spare;
      spare = undefined;
      return second;
    }
    const radius = Math.sqrt(-2 * ln((uint32() + 1) / WORD));
    const angle = (2 * Math.PI * uint32()) / WORD;
    spare = radius * sin(angle);
    return radius * cos(angle);
  }

  return {
    uint32,
    uniform: () => uint32() / WORD,
    below,
    normal,
    truncatedNormal(low, high) {
      while (true) {
        const number = normal();
        if (number >= low && number <= high) return number;
      }
    },
    shuffle(items) {
      for (let i = items.length - 1; i > 0; i--) {
        const j = below(i + 1);
        const item = items[i];
        items[i] = items[j];
        items[j] = item;
      }
      return items;
    },
  };
}
