import { createReadStream } from "node:fs";
import { byteQueue } from "#libs/image-sets";
import { excerpt } from "#libs/text";
import { labelOf, type ReadRow } from "./rows.ts";

/** Longest line. */
const LONGEST_LINE = 64 << 20;
const NEWLINE = 0x0a;
const RETURN = 0x0d;

/**
 * The records of a file of JSON lines: each line is an object with a field `label`, its class, and perhaps `item`, what it shows. The record
 * is the line itself, byte by byte, without its end. Empty lines are passed by.
 */
export async function* jsonLines(path: string): AsyncGenerator<ReadRow, void, undefined> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  await using lines = byteQueue(withNewline(createReadStream(path, { highWaterMark: 1 << 20 })));
  for (let number = 1; ; number++) {
    const where = `${path} line ${number}:`;
    const taken = await lines.takeLine(LONGEST_LINE).catch((cause: unknown) => {
      if (cause instanceof RangeError) return cause.message;
      throw cause;
    });
    if (typeof taken === "string") yield { where, wrong: taken, kind: "line" };
    if (taken === undefined || typeof taken === "string") return;
    const line = bare(taken, number);
    if (line.length === 0) continue;
    const parsed = parse(line, decoder);
    if (typeof parsed === "string") {
      yield { where, wrong: parsed, kind: "line" };
      continue;
    }
    const label = labelOf(parsed);
    if (typeof label === "string") yield { where, wrong: label, kind: "labels" };
    else yield { ...label, name: String(number), bytes: line.length, content: () => line };
  }
}

/** Without the return of CR LF, and in the first line without a mark of UTF-8. */
function bare(line: Uint8Array, number: number): Uint8Array {
  const begin = number === 1 && line[0] === 0xef && line[1] === 0xbb && line[2] === 0xbf ? 3 : 0;
  return line.subarray(begin, line.at(-1) === RETURN ? -1 : line.length);
}

function parse(line: Uint8Array, decoder: InstanceType<typeof TextDecoder>): { readonly [name: string]: unknown } | string {
  let text = "";
  try {
    text = decoder.decode(line);
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as { readonly [name: string]: unknown };
    return `is ${excerpt(text, 60)}: expected a JSON object with a field "label"`;
  } catch {
    return text === "" ? "is not UTF-8" : `is no JSON: ${excerpt(text, 60)}`;
  }
}

/** The last line ends as all others, where the file does not. */
async function* withNewline(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  let last: number | undefined;
  for await (const piece of pieces) {
    last = piece.at(-1);
    yield piece;
  }
  if (last !== undefined && last !== NEWLINE) yield Uint8Array.of(NEWLINE);
}
