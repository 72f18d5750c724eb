import { list } from "./counting.ts";

/**
 * The candidate that somebody probably meant, or undefined where none is near: at most a third of the letters (and at least two) inserted,
 * left out, changed or swapped with their neighbour, or one of the two begins with the other. Case and the difference between "_" and "-" are free.
 * @example
 * ```ts
 * nearest("task-arithmetik", ["linear", "task_arithmetic"]); // "task_arithmetic"
 * nearest("slerp", ["linear", "ties"]); // undefined
 * ```
 */
export function nearest(text: string, candidates: readonly string[]): string | undefined {
  return nearestFew(text, candidates, 1)[0];
}

/**
 * The candidates that somebody may have meant, as `nearest` finds them, the nearest first: at most so many (three).
 * @example
 * ```ts
 * nearestFew("dare", ["dare_ties", "dare_linear", "slerp"]); // ["dare_ties", "dare_linear"]
 * ```
 */
export function nearestFew(text: string, candidates: readonly string[], most = 3): readonly string[] {
  const wanted = normal(text);
  return [...new Set(candidates)]
    .map((candidate) => {
      const known = normal(candidate);
      const prefix = wanted.length >= 3 && (known.startsWith(wanted) || wanted.startsWith(known));
      const edits = distance(wanted, known);
      return {
        candidate,
        edits: prefix ? Math.min(edits, 1) : edits,
        distance: edits,
        limit: Math.max(2, Math.floor(Math.max(wanted.length, known.length) / 3)),
      };
    })
    .filter(({ candidate, edits, limit }) => edits <= limit && edits < candidate.length)
    .sort((a, b) => a.edits - b.edits || a.distance - b.distance)
    .slice(0, most)
    .map(({ candidate }) => candidate);
}

/**
 * "did you mean a or b?", or what is said where no candidate is near.
 * @example
 * ```ts
 * didYouMean("liner", ["linear", "slerp"], "see methods"); // "did you mean linear?"
 * ```
 */
export function didYouMean(text: string, candidates: readonly string[], otherwise: string): string {
  const near = nearestFew(text, candidates);
  return near.length === 0 ? otherwise : `did you mean ${list(near, "or")}?`;
}

function normal(text: string): string {
  return text.toLowerCase().replace(/[_\s]/g, "-");
}

/** Optimal string alignment distance (Damerau-Levenshtein without repeated edits of a part). */
function distance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = a[i - 1] === b[j - 1] ? 0 : 1;
      let best = Math.min(rows[i - 1]![j]! + 1, row[j - 1]! + 1, rows[i - 1]![j - 1]! + change);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) best = Math.min(best, rows[i - 2]![j - 2]! + 1);
      row.push(best);
    }
    rows.push(row);
  }
  return rows[a.length]![b.length]!;
}
