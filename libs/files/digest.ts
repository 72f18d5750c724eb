import { createHash } from "node:crypto";
import { open } from "node:fs/promises";

const PIECE_BYTES = 1 << 20;

/** The sha-256 of a file, as `sha256:` and 64 hexadecimal digits. @throws what the operating system says, and the signal's reason */
export async function digestOfFile(
  path: string,
  { signal }: { readonly signal?: AbortSignal | undefined } = {},
): Promise<`sha256:${string}`> {
  await using file = await open(path, "r");
  const hash = createHash("sha256");
  const buffer = new Uint8Array(PIECE_BYTES);
  while (true) {
    signal?.throwIfAborted();
    const { bytesRead } = await file.read(buffer, 0, PIECE_BYTES, null);
    if (bytesRead === 0) return `sha256:${hash.digest("hex")}`;
    hash.update(buffer.subarray(0, bytesRead));
  }
}
