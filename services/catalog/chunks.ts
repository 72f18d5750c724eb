import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import { createPulse } from "#libs/concurrency";
import { hasErrorCode, readFrom } from "#libs/files";
import type { BlobStore, Digest } from "#libs/storage";
import type { Logger } from "#libs/telemetry";
import { runInThreads } from "#libs/threads";
import type { BlobChunk } from "./chunk-thread.ts";
import { CatalogError } from "./errors.ts";
import type { CatalogDatabase } from "./store/tables.ts";

const THREAD = new URL("./chunk-thread.ts", import.meta.url);
/** Smaller blobs are hashed sooner than a thread starts. */
const LARGE_BYTES = 8 << 20;
/** Parameters and rows of one statement. */
const BATCH = 500;

/**
 * Chunks of the blobs of models, by their sha-256: see FindMissing. What is written down is a hint: who copies a chunk hashes it again, and
 * what is not so any more is forgotten.
 */
export type Chunks = {
  /** A blob that is safetensors was published: its chunks will be known soon, if `run` runs. */
  note(blob: Digest): void;
  /** Positions of the chunks that no blob is known to have. */
  missing(sha256s: readonly Uint8Array[]): Promise<number[]>;
  /** The bytes of a chunk, out of any blob that has it. @throws CatalogError CHUNK_MISSING */
  read(sha256: Uint8Array, size: number): Promise<Uint8Array>;
  /** Looks into the blobs that are noted, one after the other, until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
};

/** Chunks in the catalog's database, of blobs of its store. */
export function createChunks({ store, database, log }: { store: BlobStore; database: CatalogDatabase; log: Logger }): Chunks {
  const noted = new Set<Digest>();
  const more = createPulse();

  async function index(blob: Digest, signal: AbortSignal): Promise<void> {
    const { query } = database;
    const known = await query.selectFrom("chunk").select("size").where("blob", "=", bytesOf(blob)).limit(1).executeTakeFirst();
    const stat = await store.stat(blob);
    if (known || !stat) return;
    const options = { module: THREAD, setup: undefined, threads: stat.size < LARGE_BYTES ? 0 : 1, units: [store.path(blob)], signal };
    for await (const { result } of runInThreads<string, readonly BlobChunk[]>(options)) {
      const rows = result.map((chunk) => ({ ...chunk, blob: bytesOf(blob) }));
      for (let start = 0; start < rows.length; start += BATCH) {
        const some = rows.slice(start, start + BATCH);
        // A tensor may be there twice in a blob.
        await database.withoutSync((tx) =>
          tx
            .insertInto("chunk")
            .values(some)
            .onConflict((conflict) => conflict.doNothing())
            .execute(),
        );
      }
    }
  }

  return {
    note(blob) {
      noted.add(blob);
      more.beat();
    },

    async missing(sha256s) {
      const found = new Set<string>();
      for (let start = 0; start < sha256s.length; start += BATCH) {
        const rows = await database.query
          .selectFrom("chunk")
          .select("sha256")
          .where("sha256", "in", sha256s.slice(start, start + BATCH))
          .execute();
        for (const { sha256 } of rows) found.add(hex(sha256));
      }
      return [...sha256s.keys()].filter((i) => !found.has(hex(sha256s[i]!)));
    },

    async read(sha256, size) {
      const places = await database.query.selectFrom("chunk").selectAll().where("sha256", "=", sha256).where("size", "=", size).execute();
      for (const { blob, offset } of places) {
        const bytes = await readAt(store.path(digestOf(blob)), offset, size);
        if (bytes && createHash("sha256").update(bytes).digest().equals(sha256)) return bytes;
        await database.withoutSync((tx) => tx.deleteFrom("chunk").where("sha256", "=", sha256).where("blob", "=", blob).execute());
      }
      const name = `sha256:${hex(sha256)}`;
      throw new CatalogError("CHUNK_MISSING", `no chunk ${name} of ${size} bytes: send its bytes`, { facts: { digest: name } });
    },

    async run(signal) {
      while (!signal.aborted) {
        const seen = more.version;
        for (const blob of noted) {
          noted.delete(blob);
          try {
            await index(blob, signal);
          } catch (err) {
            if (signal.aborted) return;
            log.warn({ err, blob }, "the chunks of a blob stay unknown");
          }
        }
        await more.changed(seen, signal);
      }
    },
  };
}

/** Forgets where chunks lie in a blob that goes. */
export async function forgetChunks(tx: Pick<CatalogDatabase["query"], "deleteFrom">, blob: string): Promise<void> {
  await tx.deleteFrom("chunk").where("blob", "=", bytesOf(blob)).execute();
}

async function readAt(path: string, offset: number, size: number): Promise<Uint8Array | undefined> {
  const bytes = new Uint8Array(size);
  try {
    await using file = await open(path, "r");
    return (await readFrom(file, bytes, offset)) === size ? bytes : undefined;
  } catch (error) {
    if (hasErrorCode(error, "ENOENT")) return undefined;
    throw error;
  }
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("hex");
const bytesOf = (digest: string) => Buffer.from(digest.slice("sha256:".length), "hex");
const digestOf = (bytes: Uint8Array): Digest => `sha256:${hex(bytes)}`;
