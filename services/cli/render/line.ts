import { columnsOf, take, wrap } from "#libs/text";
import { type Stream, widthOf } from "../write-wrapped.ts";

/** How a piece of a line looks. */
export type Style = "bold" | "dim" | "green" | "red" | "yellow";
/** A piece of a line. */
export type Span = { readonly text: string; readonly style?: Style };
/** One line of the terminal, without escape sequences, so that it can be measured and cut. */
export type Line = readonly Span[];

const codes: { readonly [S in Style]: string } = { bold: "1", dim: "2", green: "32", red: "31", yellow: "33" };

/** A piece of a line. Control characters are dropped: names come from others and may not move the cursor. */
export function span(text: string, style?: Style): Span {
  const printable = text.replace(/\p{Cc}/gu, "");
  return style === undefined ? { text: printable } : { text: printable, style };
}

/** Cuts a line to a number of columns; what was cut is marked with "…". */
export function fit(line: Line, columns: number): Line {
  if (line.reduce((sum, { text }) => sum + columnsOf(text), 0) <= columns) return line;
  const kept: Span[] = [];
  let left = columns - 1;
  for (const piece of line) {
    const text = take(piece.text, left);
    kept.push({ ...piece, text });
    left -= columnsOf(text);
    if (text !== piece.text) break;
  }
  return columns > 0 ? [...kept, { text: "…" }] : [];
}

/** The line as text, with escape sequences where colours are wanted. */
export function paint(line: Line, colours: boolean): string {
  return line
    .map(({ text, style }) => (colours && style !== undefined && text !== "" ? `\x1b[${codes[style]}m${text}\x1b[0m` : text))
    .join("");
}

/** Lines for a stream: in a terminal in colours, and broken between words. What is broken off goes on behind the first piece of its line. */
export function writeLines(lines: Iterable<Line>, stream: Stream & { hasColors?(): boolean }): void {
  const colours = stream.isTTY === true && stream.hasColors?.() === true;
  for (const line of lines) stream.write(`${lineText(line, widthOf(stream), colours)}\n`);
}

function lineText(line: Line, width: number, colours: boolean): string {
  const plain = line.map(({ text }) => text).join("");
  if (columnsOf(plain.trimEnd()) <= width) return paint(line, colours).trimEnd();
  const [first = { text: "" }, ...others] = line;
  if (others.length === 0) return paint([{ ...first, text: wrap(plain.trimEnd(), width, plain.startsWith(" ") ? 2 : 0) }], colours);
  const wrapped = wrap(plain.trimEnd(), width, columnsOf(first.text.trimStart()));
  return paint([first], colours) + wrapped.slice(first.text.length);
}
