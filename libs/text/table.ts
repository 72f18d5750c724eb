import { columnsOf, pad, take } from "./width.ts";
import { wrap } from "./wrap.ts";

const GAP = "  ";
/** Columns that a cell keeps, however narrow the terminal is. */
const LEAST = 6;

/**
 * A table as text: a head and rows, cells padded, two spaces between them. Ends with a line break.
 * @param width columns that there are; cells that do not fit become several lines, broken between words where that can be. By default
 * there is no limit and a row is one line.
 * @example
 * ```ts
 * columns(["name", "size"], [["a.safetensors", "4 GB"]]); // "name           size\na.safetensors  4 GB\n"
 * ```
 */
export function columns(head: readonly string[], rows: readonly (readonly string[])[], width = Number.POSITIVE_INFINITY): string {
  const all = [head, ...rows];
  const natural = head.map((_, i) => Math.max(...all.map((row) => columnsOf(row[i] ?? ""))));
  const words = head.map((_, i) => Math.max(...all.map((row) => longestWord(row[i] ?? ""))));
  const widths = shrink(
    shrink(natural, words, width),
    words.map((word) => Math.min(word, LEAST)),
    width,
  );
  const cells = all.map((row) => widths.map((columns, i) => cellLines(row[i] ?? "", columns)));
  // Lines that end between words may leave room.
  const used = head.map((_, i) => Math.max(...cells.map((row) => Math.max(...row[i]!.map(columnsOf)))));
  return cells.map((row) => rowLines(row, used)).join("");
}

/** With the spaces that a cell begins with: its other lines are indented like the first. */
function longestWord(cell: string): number {
  const words = cell.trimStart();
  return Math.max(0, ...words.split(" ").map(columnsOf)) + cell.length - words.length;
}

/** Narrower columns, the widest first, none below its least, until all fit with their gaps or none can be narrower. */
function shrink(widths: readonly number[], least: readonly number[], width: number): readonly number[] {
  const narrow = [...widths];
  let over = narrow.reduce((sum, columns) => sum + columns, 0) + GAP.length * (narrow.length - 1) - width;
  while (over > 0) {
    const widest = narrow.reduce((best, columns, i) => (columns > least[i]! && (best < 0 || columns > narrow[best]!) ? i : best), -1);
    if (widest < 0) break;
    narrow[widest]! -= 1;
    over -= 1;
  }
  return narrow;
}

function cellLines(text: string, columns: number): string[] {
  return wrap(text, Math.max(1, columns))
    .split("\n")
    .flatMap((line) => pieces(line, Math.max(1, columns)));
}

/** A word that is longer than its column, in pieces. */
function pieces(line: string, columns: number): string[] {
  const found: string[] = [];
  let rest = line;
  while (columnsOf(rest) > columns) {
    // A character may be wider than the column.
    const piece = take(rest, columns) || [...rest][0]!;
    found.push(piece);
    rest = rest.slice(piece.length);
  }
  return [...found, rest];
}

function rowLines(cells: readonly (readonly string[])[], widths: readonly number[]): string {
  const height = Math.max(...cells.map((lines) => lines.length));
  return Array.from({ length: height }, (_, line) => {
    const text = cells.map((lines, i) => pad(lines[line] ?? "", widths[i]!)).join(GAP);
    return `${text.trimEnd()}\n`;
  }).join("");
}
