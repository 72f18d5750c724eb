import { columnsOf } from "./width.ts";

/**
 * A text whose lines are no longer than a number of columns, where that can be: lines are broken between words, and what is broken off
 * is indented like its line. A word that is longer than a line stays whole, so that paths and digests can be copied. Line breaks stay.
 * @param hanging columns by which what is broken off is indented beyond its line
 * @example
 * ```ts
 * wrap("  one two three", 9); // "  one two\n  three"
 * ```
 */
export function wrap(text: string, columns: number, hanging = 0): string {
  if (!Number.isFinite(columns)) return text;
  return text
    .split("\n")
    .flatMap((line) => wrapLine(line, columns, hanging))
    .join("\n");
}

function wrapLine(line: string, columns: number, hanging: number): string[] {
  if (columnsOf(line) <= columns) return [line];
  const [indent = ""] = /^ */.exec(line) ?? [];
  // At least half of the line is for words, however far it is indented.
  const further = " ".repeat(Math.min(indent.length + hanging, columns >> 1));
  const lines: string[] = [];
  let current = "";
  let width = 0;
  // Spaces between words stay as they are, but for those where a line is broken.
  for (const [piece = "", gap = "", word = ""] of line.slice(indent.length).matchAll(/( *)([^ ]+)/g)) {
    const added = columnsOf(piece);
    if (current !== "" && width + added > columns) {
      lines.push(current);
      current = further + word;
      width = further.length + added - gap.length;
    } else {
      current = current === "" ? indent + word : current + piece;
      width = columnsOf(current);
    }
  }
  return [...lines, current];
}
