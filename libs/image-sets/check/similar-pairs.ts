/** Bits by which pictures may differ that are told of as nearly equal: of two pictures that have nothing to do with each other, about 32 of 64 differ. */
const NEAR_BITS = 3;
/** A picture with fewer bits, or with nearly all of them, is a plain one: what it looks like tells nothing. */
const PLAIN_BITS = 4;
/** 64 bits in four bands: where at most three bits differ, one band is equal. */
const BANDS = 4;
const MOST_IN_BAND = 2000;
/** Pairs that are compared in a step: less than a millisecond. */
const STEP = 20_000;

/** What images look like, and in which group each is. */
export type Looks = {
  /** [count, 2], 64 bits each. */
  readonly bits: Uint32Array;
  /** [count]: pairs within a group are not looked for. */
  readonly group: Int32Array;
};

/**
 * Pairs of images of different groups that look nearly equal, the first row of each group for each of their looks, and each pair once. In
 * time that grows with the number of images rather than of pairs: bits are looked up in four bands. Between pairs it yields nothing, now and
 * then, so that a long search can give way.
 * @example
 * ```ts
 * const bits = Uint32Array.of(0xf0f0, 0xff, 0xf0f1, 0xff, 0x0f0f0f0f, 0);
 * [...similarPairs({ bits, group: Int32Array.of(0, 1, 1) })].filter((pair) => pair !== undefined); // [[0, 1]]
 * ```
 */
export function* similarPairs({ bits, group }: Looks): Generator<readonly [number, number] | undefined, void, undefined> {
  const seen = new Set<string>();
  const rows: number[] = [];
  for (let row = 0; row < group.length; row++) {
    const set = countBits(bits[2 * row]!) + countBits(bits[2 * row + 1]!);
    const key = `${bits[2 * row]} ${bits[2 * row + 1]} ${group[row]}`;
    if (set < PLAIN_BITS || set > 64 - PLAIN_BITS || seen.has(key)) continue;
    seen.add(key);
    rows.push(row);
  }
  const bandOf = (row: number, band: number) => (bits[2 * row + (band >> 1)]! >>> (16 * (band & 1))) & 0xffff;
  for (let band = 0; band < BANDS; band++) {
    const buckets = new Map<number, number[]>();
    for (const row of rows) {
      const bucket = buckets.get(bandOf(row, band));
      if (bucket === undefined) buckets.set(bandOf(row, band), [row]);
      else if (bucket.length < MOST_IN_BAND) bucket.push(row);
    }
    let compared = 0;
    for (const bucket of buckets.values()) {
      for (const [i, a] of bucket.entries()) {
        compared += bucket.length - i;
        if (compared > STEP) {
          compared = 0;
          yield undefined;
        }
        for (const b of bucket.slice(i + 1)) {
          if (group[a] === group[b] || distance(bits, a, b) > NEAR_BITS) continue;
          // Found in an earlier band, too.
          let first = 0;
          while (bandOf(a, first) !== bandOf(b, first)) first++;
          if (first === band) yield [a, b];
        }
      }
    }
  }
}

function distance(bits: Uint32Array, a: number, b: number): number {
  return countBits(bits[2 * a]! ^ bits[2 * b]!) + countBits(bits[2 * a + 1]! ^ bits[2 * b + 1]!);
}

/** Ones of 32 bits. Source: Warren, Hacker's Delight, 5-1. */
function countBits(word: number): number {
  let bits = word - ((word >>> 1) & 0x55555555);
  bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333);
  return Math.imul((bits + (bits >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
