import { crc32 } from "node:zlib";
import { invalidField, parseAmount } from "#libs/rpc";
import { isGivenName } from "#libs/storage";
import { quote } from "#libs/text";
import type { UploadBlobRequest } from "#proto/ratatouille/v1/catalog_pb.ts";
import { CatalogError } from "./errors.ts";
import { parseChunkSum, parseOptionalDigest } from "./requests.ts";

const MAX_CHUNK_BYTES = 1 << 20;

/** The bytes of a chunk that is here. @throws CatalogError CHUNK_MISSING */
type ReadChunk = (sha256: Uint8Array, size: number) => Promise<Uint8Array>;

/** Reads the header of an upload, and its chunks as they are asked for. CatalogError INVALID_FIELD, CHUNK_DAMAGED, CHUNK_MISSING. */
export async function openUpload(requests: AsyncIterable<UploadBlobRequest>, readChunk: ReadChunk) {
  const iterator = requests[Symbol.asyncIterator]();
  const first = await iterator.next();
  if (first.done || first.value.part.case !== "header") throw invalidField("header", "expected in the first message");
  const { digest, sizeBytes, keep, offset, givenFile } = first.value.part.value;
  if (givenFile !== "" && digest === "") throw invalidField("header.digest", "is missing; what is given is named by it");
  if (givenFile !== "" && (keep || !isGivenName(givenFile))) {
    throw invalidField(
      "header.given_file",
      keep ? "is taken as a whole; leave out keep" : `expected a UUID and ".given", got ${quote(givenFile)}`,
    );
  }
  if (keep && digest === "") throw invalidField("header.digest", "is missing; what is kept is found by it");
  if (offset !== 0n && !keep) throw invalidField("header.offset", `is ${offset}; expected 0 without keep`);
  const header = {
    digest: parseOptionalDigest("header.digest", digest),
    size: sizeBytes > 0n ? parseAmount("header.size_bytes", sizeBytes) : undefined,
    from: keep ? parseAmount("header.offset", offset) : undefined,
  };
  const given = givenFile !== "" && header.digest !== undefined ? { name: givenFile, digest: header.digest } : undefined;
  return { header, given, chunks: chunksOf(iterator, readChunk) };
}

async function* chunksOf(requests: AsyncIterator<UploadBlobRequest>, readChunk: ReadChunk): AsyncGenerator<Uint8Array> {
  try {
    let at = 0;
    for (let next = await requests.next(); !next.done; next = await requests.next()) {
      const bytes = await bytesOf(next.value.part, at, readChunk);
      at += bytes.length;
      yield bytes;
    }
  } finally {
    await requests.return?.();
  }
}

/** @param at bytes of this call before it */
async function bytesOf(part: UploadBlobRequest["part"], at: number, readChunk: ReadChunk): Promise<Uint8Array> {
  switch (part.case) {
    case "chunk":
      return checkLength("chunk", part.value);
    case "checked": {
      const { data, crc32: announced } = part.value;
      const actual = crc32(checkLength("checked.data", data));
      if (actual === announced) return data;
      const message = `the chunk at byte ${at} of this call has the CRC-32 ${actual}, and came with ${announced}: its bytes were damaged on the way`;
      throw new CatalogError("CHUNK_DAMAGED", message, { field: "checked.crc32", facts: { offset: String(at) } });
    }
    case "copy": {
      const size = parseAmount("copy.size_bytes", part.value.sizeBytes);
      if (size > MAX_CHUNK_BYTES) throw invalidField("copy.size_bytes", `at most ${MAX_CHUNK_BYTES}, not ${size}`);
      return readChunk(parseChunkSum("copy.sha256", part.value.sha256), size);
    }
    default:
      throw invalidField("chunk", "expected in every message after the first");
  }
}

function checkLength(field: string, bytes: Uint8Array): Uint8Array {
  if (bytes.byteLength <= MAX_CHUNK_BYTES) return bytes;
  throw invalidField(field, `it has ${bytes.byteLength} bytes, at most ${MAX_CHUNK_BYTES} are allowed`);
}
