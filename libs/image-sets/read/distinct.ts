/** Distinct texts in the order of code units: the same on every machine, whatever its language. */
export function distinct(names: Iterable<string>): string[] {
  return [...new Set(names)].sort();
}
