import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import { pause } from "#libs/concurrency";
import type { Descriptor, Digest } from "#libs/recipes";
import { Code, isRpcError, type ServiceClient } from "#libs/rpc";
import { transfers } from "#libs/telemetry/measures";
import { type ByteSource, cutIntoChunks, type FileChunk, openSafetensors, SafetensorsError } from "#libs/tensors";
import type { CatalogService } from "#proto/ratatouille/v1/catalog_pb.ts";
import { calling, streaming } from "./calls.ts";

/** Chunks of one FindMissing. */
const ASKED_AT_ONCE = 65_536;
/** An upload that breaks is taken up again until nothing has moved for so long. */
const PATIENCE_MS = 10_000;
const PAUSE_MS = 250;

/** A chunk of a file, with its sha-256 where other files may have it too. */
type HashedChunk = FileChunk & { readonly sha256: Uint8Array | undefined };
type Catalog = Pick<ServiceClient<typeof CatalogService>, "findMissing" | "getUpload" | "uploadBlob">;

export type UploadOptions = {
  readonly mediaType: string;
  /** Of the whole file, where it is known. */
  readonly digest?: Digest;
  readonly annotations?: { readonly [name: string]: string };
  readonly signal?: AbortSignal | undefined;
  /** Told how many bytes of the file are done, sent or not; fewer than before where it goes on after a break. */
  readonly onProgress?: (done: number, of: number) => void;
};

/**
 * Stores a file in the catalog, of which nothing is sent that is there: not the file where it is there as a whole, and of a safetensors file
 * not the chunks that others have. An upload that breaks, also that of an earlier process, goes on where it was. Reads the file twice.
 * @throws RpcError RESOURCE_EXHAUSTED (NO_SPACE), and that of a connection which stays away for ten seconds
 */
export async function uploadFile(catalog: Catalog, source: ByteSource, options: UploadOptions): Promise<Descriptor> {
  const { mediaType, annotations, signal, onProgress = () => undefined } = options;
  const { digest, chunks } = await hashed(source, options.digest, signal);
  const descriptor = { mediaType, digest, size: source.size, ...(annotations ? { annotations } : {}) };
  let furthest = 0;
  let movedMs = performance.now();
  const moved = (done: number) => {
    onProgress(done, source.size);
    if (done <= furthest) return;
    furthest = done;
    movedMs = performance.now();
  };
  for (;;) {
    try {
      const missing = await findMissing(catalog, digest, chunks, signal);
      if (missing.file) {
        const from = Number((await catalog.getUpload({ digest }, calling(signal))).receivedBytes);
        const plan = planned(chunks, missing.chunks, from);
        const parts = requests(source, { digest, from, plan }, moved);
        await catalog.uploadBlob(parts, streaming(signal));
      }
      onProgress(source.size, source.size);
      return descriptor;
    } catch (error) {
      signal?.throwIfAborted();
      if (!mayGoOn(error) || performance.now() - movedMs > PATIENCE_MS) throw error;
    }
    await pause(PAUSE_MS, signal);
  }
}

/** One pass over the file: the digest of the whole, unless it is known, and of the chunks that others may have. */
async function hashed(
  source: ByteSource,
  known: Digest | undefined,
  signal: AbortSignal | undefined,
): Promise<{ digest: Digest; chunks: readonly HashedChunk[] }> {
  const whole = createHash("sha256");
  const chunks: HashedChunk[] = [];
  for (const chunk of await cut(source)) {
    signal?.throwIfAborted();
    const bytes = known === undefined || chunk.shareable ? await source.read(chunk.offset, chunk.length) : new Uint8Array(0);
    if (known === undefined) whole.update(bytes);
    const sha256 = chunk.shareable ? new Uint8Array(createHash("sha256").update(bytes).digest()) : undefined;
    chunks.push({ ...chunk, sha256 });
  }
  return { digest: known ?? `sha256:${whole.digest("hex")}`, chunks };
}

async function cut(source: ByteSource): Promise<readonly FileChunk[]> {
  try {
    return cutIntoChunks((await openSafetensors(source)).header, source.size);
  } catch (error) {
    if (!(error instanceof SafetensorsError)) throw error;
    return cutIntoChunks({ tensors: new Map(), dataOffset: 0 }, source.size);
  }
}

/** What the catalog lacks: the file, and which of its chunks. An earlier version of it does not say, and gets everything. */
async function findMissing(
  catalog: Catalog,
  digest: Digest,
  chunks: readonly HashedChunk[],
  signal: AbortSignal | undefined,
): Promise<{ file: boolean; chunks: ReadonlySet<HashedChunk> }> {
  const shareable = chunks.filter(({ sha256 }) => sha256 !== undefined);
  const missing = new Set(chunks);
  try {
    let asked = 0;
    do {
      const some = shareable.slice(asked, asked + ASKED_AT_ONCE);
      const lacking = await catalog.findMissing(
        { blobs: asked === 0 ? [digest] : [], chunks: some.map(({ sha256 }) => sha256!) },
        calling(signal),
      );
      if (asked === 0 && lacking.blobs.length === 0) return { file: false, chunks: new Set() };
      const positions = new Set(lacking.chunks);
      for (const [i, chunk] of some.entries()) if (!positions.has(i)) missing.delete(chunk);
      asked += some.length;
    } while (asked < shareable.length);
  } catch (error) {
    if (!isRpcError(error, Code.UNIMPLEMENTED)) throw error;
  }
  return { file: true, chunks: missing };
}

/** What is sent and what is copied, behind the first `from` bytes. Of a chunk that has come in part, the rest is sent. */
function planned(chunks: readonly HashedChunk[], missing: ReadonlySet<HashedChunk>, from: number) {
  return chunks
    .filter(({ offset, length }) => offset + length > from)
    .map((chunk) => {
      const offset = Math.max(chunk.offset, from);
      const length = chunk.offset + chunk.length - offset;
      return { offset, length, copy: missing.has(chunk) || offset > chunk.offset ? undefined : chunk.sha256 };
    });
}

async function* requests(
  source: ByteSource,
  { digest, from, plan }: { readonly digest: Digest; readonly from: number; readonly plan: ReturnType<typeof planned> },
  moved: (done: number) => void,
) {
  const header = { digest, sizeBytes: BigInt(source.size), keep: true, offset: BigInt(from) };
  yield { part: { case: "header" as const, value: header } };
  for (const { offset, length, copy } of plan) {
    if (copy) yield { part: { case: "copy" as const, value: { sha256: copy, sizeBytes: length } } };
    else {
      const data = await source.read(offset, length);
      transfers.uploaded.add(length);
      yield { part: { case: "checked" as const, value: { data, crc32: crc32(data) } } };
    }
    moved(offset + length);
  }
}

/** Whether the same upload may succeed when it is tried again. */
function mayGoOn(error: unknown): boolean {
  if (!isRpcError(error)) return false;
  if (["CHUNK_MISSING", "CHUNK_DAMAGED", "UPLOAD_MOVED", "TAKEN_OVER"].includes(error.reason ?? "")) return true;
  return error.code === Code.UNAVAILABLE || error.code === Code.DEADLINE_EXCEEDED || error.code === Code.CANCELLED;
}
