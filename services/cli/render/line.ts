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

/** How many columns a text takes. East Asian wide characters and emoji take two, combining marks none. */
export function columnsOf(text: string): number {
  let columns = 0;
  for (const character of text) columns += widthOf(character);
  return columns;
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

/** Pads a text to a number of columns. */
export function pad(text: string, columns: number): string {
  return text + " ".repeat(Math.max(0, columns - columnsOf(text)));
}

function take(text: string, columns: number): string {
  let taken = "";
  let left = columns;
  for (const character of text) {
    left -= widthOf(character);
    if (left < 0) break;
    taken += character;
  }
  return taken;
}

function widthOf(character: string): number {
  if (/\p{Mark}|\u200d/u.test(character)) return 0;
  return /\p{Emoji_Presentation}|[\u1100-\u115f\u2e80-\u303e\u3041-\u4dbf\u4e00-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/u.test(
    character,
  )
    ? 2
    : 1;
}
