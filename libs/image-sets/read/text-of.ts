import { createReadStream } from "node:fs";

/** The text of a file in pieces. @throws TypeError where it is not UTF-8 */
export async function* textOf(path: string): AsyncGenerator<string, void, undefined> {
  // A mark at the beginning of the file is left out.
  const decoder = new TextDecoder("utf-8", { fatal: true });
  for await (const piece of createReadStream(path)) yield decoder.decode(piece as Uint8Array, { stream: true });
  yield decoder.decode();
}
