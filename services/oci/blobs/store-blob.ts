import type { Digest } from "#libs/recipes";
import { Code, isRpcError } from "#libs/rpc";
import type { Catalog } from "../catalog.ts";
import { ociError } from "../errors.ts";

/** What the catalog takes of one message. */
const CHUNK_BYTES = 1 << 20;
/** A body that stands still is cut off before this. */
const IDLE_TIMEOUT_MS = 120_000;

/**
 * Stores a blob in the catalog while it comes.
 * @param announced its digest and size, where they are known: nothing is kept where they are wrong
 * @returns its digest
 * @throws HttpError 400 DIGEST_INVALID; RpcError of the catalog
 */
export async function storeBlob(
  catalog: Catalog,
  chunks: AsyncIterable<Uint8Array>,
  announced: { readonly digest?: Digest; readonly size?: number },
  signal: AbortSignal,
  idleTimeoutMs = IDLE_TIMEOUT_MS,
): Promise<string> {
  const { digest = "", size = -1 } = announced;
  async function* parts() {
    yield { part: { case: "header" as const, value: { digest, sizeBytes: BigInt(size) } } };
    for await (const piece of chunks)
      for (let start = 0; start < piece.length; start += CHUNK_BYTES)
        yield { part: { case: "chunk" as const, value: piece.subarray(start, start + CHUNK_BYTES) } };
  }
  try {
    return (await catalog.client.uploadBlob(parts(), { signal, timeoutMs: 0, idleTimeoutMs })).digest;
  } catch (error) {
    if (isRpcError(error, Code.INVALID_ARGUMENT, "BLOB_MISMATCH")) throw ociError(400, "DIGEST_INVALID", error.message);
    throw error;
  }
}
