import { createRequire } from "node:module";

const segmenter = new Intl.Segmenter();
const PRINTABLE_ASCII = /^[\x20-\x7e]*$/;
let measure: ((text: string) => number) | undefined;

/**
 * How many columns of a terminal a text takes: East Asian wide characters and emoji two, combining marks and escape sequences none.
 * @example
 * ```ts
 * ["abc", "日本語", "\x1b[31mred\x1b[0m"].map(columnsOf); // [3, 6, 3]
 * ```
 */
export function columnsOf(text: string): number {
  if (PRINTABLE_ASCII.test(text)) return text.length;
  // Loaded when it is needed: that takes as long as many a command.
  measure ??= (createRequire(import.meta.url)("string-width") as typeof import("string-width")).default;
  return measure(text);
}

/**
 * Fills a text with spaces up to a number of columns.
 * @example
 * ```ts
 * pad("日本", 6); // "日本  "
 * ```
 */
export function pad(text: string, columns: number): string {
  return text + " ".repeat(Math.max(0, columns - columnsOf(text)));
}

/**
 * As much of the beginning of a text as fits into a number of columns; no character that people see as one is cut apart.
 * @example
 * ```ts
 * take("日本語", 5); // "日本"
 * ```
 */
export function take(text: string, columns: number): string {
  if (columnsOf(text) <= columns) return text;
  let taken = "";
  let left = columns;
  for (const { segment } of segmenter.segment(text)) {
    left -= columnsOf(segment);
    if (left < 0) break;
    taken += segment;
  }
  return taken;
}
