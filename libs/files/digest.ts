import { createHash } from "node:crypto";
import { open } from "node:fs/promises";

const PIECE_BYTES = 1 << 20;

/**
 * The sha-256 of a file, as `sha256:` and 64 hexadecimal digits.
 * @throws what the operating system says, and the signal's reason
 * @example
 * ```ts
 * import { writeFile } from "node:fs/promises";
 * import { temporaryDirectory } from "#libs/testing";
 * await using directory = await temporaryDirectory();
 * await writeFile(directory.join("file"), "abc");
 * await digestOfFile(directory.join("file")); // "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
 * ```
 */
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
