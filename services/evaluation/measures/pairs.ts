/** Positions of two members. */
export type Pair = readonly [number, number];

/** All unordered pairs of `count` members: (0,1), (0,2), … (1,2), … */
export function allPairs(count: number): Pair[] {
  const pairs: Pair[] = [];
  for (let i = 0; i < count; i++) for (let j = i + 1; j < count; j++) pairs.push([i, j]);
  return pairs;
}

/** Arithmetic mean, summed in order. NaN of nothing. */
export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
