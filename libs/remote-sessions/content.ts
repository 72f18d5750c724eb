import { stat } from "node:fs/promises";
import { digestOfFile } from "#libs/files";
import { type Digest, digestOf } from "#libs/recipes";
import { type ByteSource, bytesSource, fileSource } from "#libs/tensors";

/** What is contributed: a safetensors file, read by position as far as it has to be sent. */
export type Content = { readonly digest: Digest; readonly size: number; open(): Promise<ByteSource & AsyncDisposable> };

/** A file of this machine. Reads it once for its digest. */
export async function fileContent(path: string, signal?: AbortSignal): Promise<Content> {
  const { size } = await stat(path);
  return { size, digest: await digestOfFile(path, { signal }), open: () => fileSource(path) };
}

/**
 * Bytes in memory.
 * @example
 * ```ts
 * const { size, digest } = bytesContent(new TextEncoder().encode("abc"));
 * [size, digest.slice(0, 15)]; // [3, "sha256:ba7816bf"]
 * ```
 */
export function bytesContent(bytes: Uint8Array): Content {
  return { size: bytes.length, digest: digestOf(bytes), open: async () => ({ ...bytesSource(bytes), async [Symbol.asyncDispose]() {} }) };
}
