import { invalidField, parseAmount } from "#libs/rpc";
import type { UploadBlobRequest } from "#proto/ratatouille/v1/catalog_pb.ts";
import { parseOptionalDigest } from "./requests.ts";

const MAX_CHUNK_BYTES = 1 << 20;

/** Reads the header of an upload, and its chunks as they are asked for. CatalogError INVALID_FIELD. */
export async function openUpload(requests: AsyncIterable<UploadBlobRequest>) {
  const iterator = requests[Symbol.asyncIterator]();
  const first = await iterator.next();
  if (first.done || first.value.part.case !== "header") throw invalidField("header", "expected in the first message");
  const { digest, sizeBytes, keep, offset } = first.value.part.value;
  if (keep && digest === "") throw invalidField("header.digest", "is missing; what is kept is found by it");
  if (offset !== 0n && !keep) throw invalidField("header.offset", `is ${offset}; expected 0 without keep`);
  const header = {
    digest: parseOptionalDigest("header.digest", digest),
    size: sizeBytes > 0n ? parseAmount("header.size_bytes", sizeBytes) : undefined,
    from: keep ? parseAmount("header.offset", offset) : undefined,
  };
  return { header, chunks: chunksOf(iterator) };
}

async function* chunksOf(requests: AsyncIterator<UploadBlobRequest>): AsyncGenerator<Uint8Array> {
  try {
    for (let next = await requests.next(); !next.done; next = await requests.next()) {
      const { part } = next.value;
      if (part.case !== "chunk") throw invalidField("chunk", "expected in every message after the first");
      if (part.value.byteLength > MAX_CHUNK_BYTES)
        throw invalidField("chunk", `it has ${part.value.byteLength} bytes, at most ${MAX_CHUNK_BYTES} are allowed`);
      yield part.value;
    }
  } finally {
    await requests.return?.();
  }
}
