import { open } from "node:fs/promises";

/** More of it than this is not looked at. */
const MOST_BYTES = 1 << 20;

/** What was appended to a file after it had `from` bytes; the beginning of it, if that is much. */
export async function wroteSince(path: string, from: number): Promise<string> {
  await using file = await open(path, "r");
  const { size } = await file.stat();
  const length = Math.min(MOST_BYTES, Math.max(0, size - from));
  const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(length), position: from });
  return buffer.toString("utf8", 0, bytesRead);
}
