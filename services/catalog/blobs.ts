import { createSharedWork } from "#libs/concurrency";
import { BlobMissingError, type BlobStat, type BlobStore, CorruptBlobError, type Digest } from "#libs/storage";
import type { Logger } from "#libs/telemetry";
import { type ByteSource, fileSource } from "#libs/tensors";
import { CatalogError, invalidField } from "./errors.ts";
import { countBlob } from "./metrics.ts";
import type { CatalogDatabase } from "./store/tables.ts";

/** Bytes that may still be read to verify blobs that are only looked up. Those that it does not cover are verified when they are read. */
export type VerifyBudget = { bytes: number };

type Budgeted = { readonly budget: VerifyBudget; readonly signal: AbortSignal };

/** Blobs whose verification is remembered. */
const MAX_REMEMBERED = 100_000;

/** The catalog's blobs. What is found to be corrupted is set aside, and the artifacts that use it are marked, in one step. */
export type Blobs = {
  put(
    source: AsyncIterable<Uint8Array>,
    options: { digest?: string | undefined; size?: number | undefined; from?: number | undefined; signal: AbortSignal },
  ): Promise<{ digest: Digest; size: number }>;
  /** Makes a blob of a file that a program of this machine has given: see BlobStore.take. INVALID_FIELD where it is not there. */
  take(
    name: string,
    options: { digest: Digest; size?: number | undefined; signal: AbortSignal },
  ): Promise<{ digest: Digest; size: number }>;
  /** How many bytes of a blob are there of an upload that broke. */
  received(digest: Digest): Promise<number>;
  /** How many bytes a blob has that is there as a whole; undefined where it is not. */
  size(digest: Digest): Promise<number | undefined>;
  /**
   * Streams a blob or a range of it. A range is only given out of a blob that was verified as a whole in this state of its file.
   * CatalogError BLOB_NOT_FOUND, BLOB_CORRUPTED. RangeError if `offset` lies behind the end.
   */
  read(
    digest: Digest,
    options: { offset: number; length?: number | undefined; signal: AbortSignal },
  ): AsyncGenerator<Uint8Array, void, undefined>;
  /**
   * Opens a blob to read it by position, verified as a whole in this state of its file. CatalogError as `read` has them.
   */
  open(digest: Digest, signal: AbortSignal): Promise<ByteSource & AsyncDisposable>;
  /** Whether a blob is there, as far as the budget goes with the right bytes: then it is young from now on, as if it had been put. */
  renew(digest: Digest, options: Budgeted): Promise<boolean>;
  /**
   * Reads a blob whole, whatever is remembered of it. If it is damaged it is treated as `read` does: then it returns what is wrong, and the
   * artifacts that use it.
   */
  recheck(digest: Digest, signal: AbortSignal): Promise<{ readonly problem: string; readonly artifacts: readonly string[] } | undefined>;
  /** Whether a blob is there with this size and, as far as the budget goes, the right bytes. If not, it is treated as `read` does. */
  isIntact(blob: { digest: Digest; size: number }, options: Budgeted): Promise<boolean>;
};

/** Puts a blob store and the knowledge of who uses which blob together. */
export function createBlobs({ store, database, log }: { store: BlobStore; database: CatalogDatabase; log: Logger }): Blobs {
  /** The state of the file, by digest, in which a blob was seen to be right. */
  const verified = new Map<string, string>();
  const verifying = createSharedWork<never, void>();

  function remember(digest: Digest, stat: BlobStat | undefined): void {
    if (stat === undefined) return;
    if (verified.size >= MAX_REMEMBERED) verified.clear();
    verified.set(digest, fileState(stat));
  }

  /** Sets a blob aside and marks everything that uses it. Returns the artifacts that do. */
  async function condemn(digest: Digest, problem: Error, seen: BlobStat | undefined): Promise<string[]> {
    verified.delete(digest);
    const { moved, artifacts } = await database.transaction(async (tx) => {
      // Before the commit: if the process dies between the two, the next reader finds the blob missing and marks the same artifacts.
      const aside = seen !== undefined && (await store.setAside(digest, { seen }));
      // Somebody uploaded it afresh since it was seen.
      if (!aside && (await store.stat(digest))) return { moved: false, artifacts: [] };
      const users = await tx.selectFrom("artifact_blob").select("artifact").where("blob", "=", digest).execute();
      await tx
        .updateTable("artifact")
        .set({ damaged: 1 })
        .where("digest", "in", (query) => query.selectFrom("artifact_blob").select("artifact").where("blob", "=", digest))
        .execute();
      return { moved: aside, artifacts: users.map(({ artifact }) => artifact) };
    });
    if (moved || (seen === undefined && artifacts.length > 0))
      log.warn({ blob: digest, artifacts, problem: problem.message }, "damaged blob set aside");
    return artifacts;
  }

  /** Reads a whole blob for its digest, once for all who ask at the same time. CorruptBlobError, BlobMissingError. */
  async function verify(digest: Digest, stat: BlobStat | undefined, signal: AbortSignal): Promise<void> {
    const state = stat && fileState(stat);
    if (state !== undefined && verified.get(digest) === state) return;
    await verifying.run(`${digest} ${state}`, signal, async (shared) => {
      for await (const _chunk of store.read(digest, { signal: shared }));
      remember(digest, stat);
    });
  }

  /** What a reader is told of a blob that cannot be read; what is no damage stays what it is. */
  async function refusal(digest: Digest, error: unknown, seen: BlobStat | undefined): Promise<unknown> {
    if (!isDamage(error)) return error;
    const artifacts = await condemn(digest, error, seen);
    if (seen === undefined && artifacts.length === 0) {
      return new CatalogError("BLOB_NOT_FOUND", `no blob ${digest}`, { facts: { digest }, cause: error });
    }
    return corrupted(digest, artifacts, error);
  }

  async function isIntact({ digest, size }: { digest: Digest; size: number }, { budget, signal }: Budgeted): Promise<boolean> {
    const found = await store.stat(digest);
    try {
      if (!found) throw new BlobMissingError(digest);
      if (found.size !== size || (verified.get(digest) !== fileState(found) && spend(budget, size))) await verify(digest, found, signal);
      return found.size === size;
    } catch (error) {
      if (!isDamage(error)) throw error;
      await condemn(digest, error, found);
      return false;
    }
  }

  return {
    isIntact,

    async renew(digest, options) {
      const found = await store.stat(digest);
      if (!found || !(await isIntact({ digest, size: found.size }, options))) return false;
      const wasVerified = verified.get(digest) === fileState(found);
      if (!(await store.touch(digest))) return false;
      if (wasVerified) remember(digest, await store.stat(digest));
      return true;
    },

    received: (digest) => store.received(digest),
    size: async (digest) => (await store.stat(digest))?.size,

    async put(source, options) {
      const { digest, size } = await store.put(source, options);
      // These bytes were hashed on their way to the disk.
      remember(digest, await store.stat(digest));
      countBlob("in", size);
      return { digest, size };
    },

    async take(name, options) {
      try {
        const { digest, size } = await store.take(name, options);
        remember(digest, await store.stat(digest));
        return { digest, size };
      } catch (error) {
        if (!(error instanceof BlobMissingError)) throw error;
        throw invalidField("header.given_file", `there is no file ${name} in the catalog's blobs/incoming`, error);
      }
    },

    async *read(digest, { offset, length, signal }) {
      const stat = await store.stat(digest);
      let bytes = 0;
      try {
        if (offset > 0 || length !== undefined) await verify(digest, stat, signal);
        for await (const chunk of store.read(digest, { offset, length, signal })) {
          bytes += chunk.length;
          yield chunk;
        }
      } catch (error) {
        throw await refusal(digest, error, stat);
      } finally {
        countBlob("out", bytes);
      }
    },

    async open(digest, signal) {
      const stat = await store.stat(digest);
      try {
        await verify(digest, stat, signal);
      } catch (error) {
        throw await refusal(digest, error, stat);
      }
      const source = await fileSource(store.path(digest));
      return {
        ...source,
        async read(offset, length) {
          const bytes = await source.read(offset, length);
          countBlob("out", length);
          return bytes;
        },
      };
    },

    async recheck(digest, signal) {
      const found = await store.stat(digest);
      try {
        verified.delete(digest);
        await verify(digest, found, signal);
        return undefined;
      } catch (error) {
        if (!isDamage(error)) throw error;
        const artifacts = await condemn(digest, error, found);
        // Collected as garbage meanwhile.
        if (error instanceof BlobMissingError && artifacts.length === 0) return undefined;
        return { problem: error.message, artifacts };
      }
    },
  };
}

function spend(budget: VerifyBudget, bytes: number): boolean {
  if (bytes > budget.bytes) return false;
  budget.bytes -= bytes;
  return true;
}

function fileState({ size, modifiedMs }: BlobStat): string {
  return `${size}/${modifiedMs}`;
}

function isDamage(error: unknown): error is CorruptBlobError | BlobMissingError {
  return error instanceof CorruptBlobError || error instanceof BlobMissingError;
}

function corrupted(digest: Digest, artifacts: readonly string[], cause: Error): CatalogError {
  const [first] = artifacts;
  const what = cause instanceof CorruptBlobError ? "is corrupted and was set aside" : "is gone";
  const who = artifacts.length > 1 ? `${artifacts.length} artifacts (${first}, …) are` : `artifact ${first} is`;
  const facts = { digest, ...(first === undefined ? {} : { artifact: first }) };
  return new CatalogError(
    "BLOB_CORRUPTED",
    `blob ${digest} ${what}${first === undefined ? "" : `; ${who} damaged until its recipe runs again`}`,
    { facts, cause },
  );
}
