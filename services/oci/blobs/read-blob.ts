import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import type { Digest } from "#libs/recipes";
import type { Catalog } from "../catalog.ts";
import type { ByteRange } from "./ranges.ts";

/** The catalog's blobs as files of this machine: below this, by the first two digits and all of the digest. */
export type BlobDirectory = string;

const IDLE_TIMEOUT_MS = 60_000;
const CHUNK_BYTES = 1 << 20;

/**
 * The bytes of a blob that is there, or a range of them. Where the catalog's own files can be read, they come from there, once the catalog
 * has looked at the blob: it verifies a blob as a whole before it gives a range of it.
 * @throws RpcError NOT_FOUND, DATA_LOSS
 */
export async function readBlob(
  catalog: Catalog,
  { digest, size, range, directory }: { digest: Digest; size: number; range: ByteRange | undefined; directory: BlobDirectory | undefined },
  signal: AbortSignal,
): Promise<AsyncIterable<Uint8Array>> {
  const { offset, length } = range ?? { offset: 0, length: size };
  const path = directory && pathOf(directory, digest);
  if (path !== undefined && (await stat(path).catch(() => undefined))?.size === size) {
    for await (const _ of readRange(catalog, digest, { offset: 0, length: 1 }, signal));
    return createReadStream(path, { start: offset, end: offset + length - 1, highWaterMark: CHUNK_BYTES, signal });
  }
  return readRange(catalog, digest, range, signal);
}

function pathOf(directory: BlobDirectory, digest: Digest): string {
  const hex = digest.slice("sha256:".length);
  return join(directory, hex.slice(0, 2), hex);
}

/** A blob of the catalog, or a range of it, as it comes. */
export async function* readRange(catalog: Catalog, digest: Digest, range: ByteRange | undefined, signal: AbortSignal) {
  const wanted = range === undefined ? {} : { offset: BigInt(range.offset), length: BigInt(range.length) };
  const options = { signal, timeoutMs: 0, idleTimeoutMs: IDLE_TIMEOUT_MS };
  for await (const { chunk } of catalog.client.downloadBlob({ digest, ...wanted }, options)) yield chunk;
}
