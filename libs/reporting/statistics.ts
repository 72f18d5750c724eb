/** A mean over seeds and its standard error. */
export type Estimate = { readonly mean: number; readonly sem: number | null };

/** Arithmetic mean. NaN for nothing. */
export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Standard error of the mean: sample standard deviation (n - 1) over the square root of n. Null below two values. */
export function standardError(values: readonly number[]): number | null {
  if (values.length < 2) return null;
  const centre = mean(values);
  const squares = values.map((value) => value - centre).reduce((sum, distance) => sum + distance * distance, 0);
  return Math.sqrt(squares / (values.length - 1) / values.length);
}

/** Mean and standard error of the values. Null for nothing. */
export function estimate(values: readonly number[]): Estimate | null {
  return values.length === 0 ? null : { mean: mean(values), sem: standardError(values) };
}

/**
 * One value a seed: the mean over that seed's domains. A seed that lacks one of the domains is left out, because domains differ in
 * difficulty and a mean over fewer of them is not comparable.
 */
export function perSeedMeans(
  values: readonly { readonly seed: number; readonly heldOut: string; readonly value: number }[],
  domains: readonly string[],
): number[] {
  const bySeed = new Map<number, Map<string, number>>();
  for (const { seed, heldOut, value } of values) {
    const row = bySeed.get(seed) ?? new Map<string, number>();
    bySeed.set(seed, row.set(heldOut, value));
  }
  return [...bySeed.values()].filter((row) => domains.every((domain) => row.has(domain))).map((row) => mean([...row.values()]));
}
