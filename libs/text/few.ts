const MOST = 10;

/**
 * At most so many lines (ten) and, where there are more, one that says how many and where they are.
 * @param where what has them all, for example "--json"; nothing where nothing has
 * @example fewLines(["a", "b", "c"], { most: 1, where: "--json" }) // ["a", "… and 2 more (`--json` has all)"]
 */
export function fewLines(
  lines: readonly string[],
  { most = MOST, where }: { readonly most?: number; readonly where?: string | undefined } = {},
): readonly string[] {
  // One line more is shorter than to say that there is one.
  if (lines.length <= most + 1) return lines;
  return [...lines.slice(0, most), moreLine(lines.length - most, where)];
}

/** How what is not shown is told of. @param where what has all of it, for example "--json" */
export function moreLine(more: number, where?: string): string {
  return `… and ${more} more${where === undefined ? "" : ` (\`${where}\` has all)`}`;
}
