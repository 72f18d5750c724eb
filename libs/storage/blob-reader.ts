import { createHash } from "node:crypto";
import { type FileHandle, open } from "node:fs/promises";
import { hasErrorCode } from "#libs/files";
import type { Digest } from "./digest.ts";
import { BlobMissingError, CorruptBlobError } from "./errors.ts";

/** Chunks travel as gRPC messages, which have to stay below 4 MiB. */
const CHUNK_BYTES = 1 << 20;

/** Streams a blob's file. See BlobStore.read for the contract. */
export async function* readBlob(
  path: string,
  digest: Digest,
  { offset = 0, length, signal }: { offset?: number | undefined; length?: number | undefined; signal?: AbortSignal | undefined } = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  signal?.throwIfAborted();
  if (!Number.isSafeInteger(offset) || offset < 0) throw new RangeError(`offset ${offset} is not a whole number of at least 0`);
  if (length !== undefined && (!Number.isSafeInteger(length) || length < 0))
    throw new RangeError(`length ${length} is not a whole number of at least 0`);
  const handle = await openBlob(path, digest);
  try {
    const { size } = await handle.stat();
    if (offset > size) throw new RangeError(`offset ${offset} lies behind the end of blob ${digest}, which has ${size} bytes`);
    const end = Math.min(size, length === undefined ? size : offset + length);
    const chunks = readRange(handle, offset, end, signal);
    yield* offset === 0 && end === size ? verified(chunks, digest) : chunks;
  } finally {
    await handle.close();
  }
}

async function openBlob(path: string, digest: Digest): Promise<FileHandle> {
  try {
    return await open(path, "r");
  } catch (error) {
    throw hasErrorCode(error, "ENOENT") ? new BlobMissingError(digest, { cause: error }) : error;
  }
}

async function* readRange(handle: FileHandle, start: number, end: number, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
  for (let position = start; position < end; ) {
    signal?.throwIfAborted();
    const buffer = new Uint8Array(Math.min(CHUNK_BYTES, end - position));
    const { bytesRead } = await handle.read(buffer, 0, buffer.byteLength, position);
    // Blobs are never shortened, except by a fault. The digest tells; a range just ends.
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
    position += bytesRead;
  }
}

/** Passes chunks on, one behind, so that nobody gets all bytes of a blob that is not what its name says. */
async function* verified(chunks: AsyncIterable<Uint8Array>, digest: Digest): AsyncGenerator<Uint8Array> {
  const hash = createHash("sha256");
  let held: Uint8Array | undefined;
  for await (const chunk of chunks) {
    if (held) yield held;
    hash.update(chunk);
    held = chunk;
  }
  const actual: Digest = `sha256:${hash.digest("hex")}`;
  if (actual !== digest) throw new CorruptBlobError(digest, actual);
  if (held) yield held;
}
