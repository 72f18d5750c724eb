import { wrap } from "#libs/text";

/** What is needed of a stream to say something to a person. */
export type Stream = { write(text: string): unknown; readonly isTTY?: boolean; readonly columns?: number };

/** Columns that lines may have: those of the terminal; without limit in a pipe or a file, where programs look for lines. */
export function widthOf({ isTTY, columns }: Stream): number {
  return isTTY ? columns || 80 : Number.POSITIVE_INFINITY;
}

/** Writes text for people: in a terminal its lines are broken between words. @param hanging how far what is broken off is indented */
export function writeWrapped(stream: Stream, text: string, hanging = 0): void {
  stream.write(wrap(text, widthOf(stream), hanging));
}

/** Names and what they are, one below the other: for pages about one thing. What does not fit goes on under the same column. */
export function factLines(stream: Stream, rows: readonly (readonly [name: string, value: string])[]): string {
  const named = rows.filter(([, value]) => value !== "");
  const indent = Math.max(0, ...named.map(([name]) => name.length)) + 2;
  return named.map(([name, value]) => `${wrap(`${name.padEnd(indent)}${value}`, widthOf(stream), indent)}\n`).join("");
}
