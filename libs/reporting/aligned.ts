import { columnsOf, pad } from "#libs/text";

/** Lines of a table whose first row is its head: the first column begins at the left, the others, which are numbers, end at the right. */
export function aligned(rows: readonly (readonly string[])[], gap: string): string[] {
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map((row) => columnsOf(row[i]!))));
  const cell = (text: string, i: number) => (i === 0 ? pad(text, widths[i]!) : " ".repeat(widths[i]! - columnsOf(text)) + text);
  return rows.map((row) => row.map(cell).join(gap).trimEnd());
}
