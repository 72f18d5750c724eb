const MOST = 3;

/** Those of the names that somebody may have meant: with few letters wrong, or with the same beginning. The nearest first, three at most. */
export function nearest(wrong: string, names: readonly string[]): readonly string[] {
  const most = wrong.length < 4 ? 1 : Math.max(2, wrong.length / 3);
  return names
    .map((name) => ({ name, distance: editDistance(wrong, name) }))
    .filter(({ name, distance }) => distance <= most || (wrong.length > 1 && name.startsWith(wrong)))
    .sort((a, b) => a.distance - b.distance)
    .slice(0, MOST)
    .map(({ name }) => name);
}

/** The least number of letters to put in, take out or replace (Levenshtein 1966), row by row. */
export function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}
