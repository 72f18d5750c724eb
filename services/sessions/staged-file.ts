import { type FileHandle, open } from "node:fs/promises";
import { createPulse } from "#libs/concurrency";
import type { Digest } from "#libs/recipes";
import type { ChunkSum } from "./chunk-sum.ts";
import { ContributionError } from "./errors.ts";
import type { Layout } from "./layout.ts";
import type { Expectation } from "./verification.ts";
import type { Verifier, Verifiers } from "./verifiers.ts";

/** A file that arrives piece by piece, and is looked at meanwhile. It stays until somebody deletes it; what of it was looked at stays, if it is not finished. */
export type StagedFile = AsyncDisposable & {
  /** Bytes that are taken. */
  readonly offset: number;
  /**
   * Takes the next bytes, which the caller must not change any more; `sum` is that of a whole chunk. Resolves when few enough bytes wait to
   * be written. @throws DamagedChunkError, ContributionError as soon as they cannot be right
   */
  append(bytes: Uint8Array, waitingBytes: number, sum?: ChunkSum): Promise<void>;
  /** Makes the whole file durable. @throws DamagedChunkError, ContributionError if it is not the announced one */
  finish(): Promise<Layout>;
};

const READ_BYTES = 1 << 20;
/** So much may wait for the disk at the end: the operating system is asked for what came before while the rest arrives. */
const SYNC_BYTES = 16 << 20;
/** So far the check may be behind: what lies there has to be sent again where it is not as it should be. */
const UNVERIFIED_BYTES = 64 << 20;

/** What the file has to be. */
export type Announced = Expectation & {
  readonly path: string;
  readonly digest: Digest;
  readonly verifiers: Verifiers;
  /** Called with what is wrong, as soon as it is known; whoever appends or finishes hears it too. */
  readonly onFailure: (error: unknown) => void;
};

/** Opens a staged file, or begins one, and goes on behind what is there: that is read again, so that hash and checks know it. */
export async function openStagedFile(announced: Announced, signal: AbortSignal): Promise<StagedFile> {
  const handle = await open(announced.path, "a+").then(async (created) => {
    // "a+" makes the file if it is not there; written is by position.
    await created.close();
    return open(announced.path, "r+");
  });
  const file = createStagedFile(handle, announced);
  try {
    const found = (await handle.stat()).size;
    if (found > announced.size) await handle.truncate(0);
    await file.recall(found > announced.size ? 0 : found, signal);
    return file;
  } catch (error) {
    await file[Symbol.asyncDispose]();
    throw error;
  }
}

function createStagedFile(handle: FileHandle, { path, size, headerBytes, layout, digest, verifiers, onFailure }: Announced) {
  const fail = (error: unknown) => {
    failure ??= { error };
    moved.beat();
    onFailure(error);
  };
  const moved = createPulse();
  let failure: { readonly error: unknown } | undefined;
  let offset = 0;
  let waiting = 0;
  let onDisk = 0;
  let writing: Promise<void> | undefined;
  let busy = false;
  const queue: Uint8Array[] = [];
  let synced = 0;
  let syncing: Promise<void> | undefined;
  let finished = false;
  const verifier: Verifier = verifiers.of({
    path,
    expectation: { size, headerBytes, layout },
    onProgress: () => moved.beat(),
    onFailure: fail,
  });

  /** Writes what waits, in one call as much as has come meanwhile. Never rejects. */
  async function write(): Promise<void> {
    busy = true;
    try {
      while (queue.length > 0) {
        const pieces = queue.splice(0);
        await writeAll(handle, pieces, onDisk);
        const bytes = pieces.reduce((sum, { length }) => sum + length, 0);
        onDisk += bytes;
        waiting -= bytes;
        verifier.written(onDisk);
        if (syncing === undefined && onDisk - synced >= SYNC_BYTES) syncSoFar();
        moved.beat();
      }
    } catch (error) {
      fail(error);
    }
    busy = false;
    moved.beat();
  }

  function syncSoFar(): void {
    synced = onDisk;
    // Its errors come again at the end.
    syncing = handle
      .datasync()
      .catch(() => undefined)
      .finally(() => {
        syncing = undefined;
      });
  }

  /** Resolves when at most so many bytes wait to be written, and few enough to be looked at. */
  async function settled(most: number): Promise<void> {
    while ((waiting > most || onDisk - verifier.verified > UNVERIFIED_BYTES) && !failure) await moved.changed(moved.version);
    if (failure) throw failure.error;
  }

  return {
    get offset() {
      return offset;
    },
    async recall(length: number, signal: AbortSignal): Promise<void> {
      onDisk = length;
      if (verifier.recall) {
        offset = length;
        if (length > 0) verifier.recall(length);
        return;
      }
      const buffer = new Uint8Array(Math.min(READ_BYTES, length));
      while (offset < length) {
        signal.throwIfAborted();
        const { bytesRead } = await handle.read(buffer, 0, Math.min(buffer.length, length - offset), offset);
        if (bytesRead === 0) throw new Error(`${path} ends at byte ${offset} of ${length}`);
        verifier.take(buffer.subarray(0, bytesRead));
        offset += bytesRead;
      }
    },
    async append(bytes: Uint8Array, waitingBytes: number, sum?: ChunkSum): Promise<void> {
      if (failure) throw failure.error;
      if (offset + bytes.length > size) {
        throw new ContributionError("CONTRIBUTION_MISMATCH", "header.size_bytes", `more than the announced ${size} bytes came`);
      }
      verifier.take(bytes, sum);
      offset += bytes.length;
      queue.push(bytes);
      waiting += bytes.length;
      if (!busy) writing = write();
      await settled(waitingBytes);
    },
    async finish(): Promise<Layout> {
      await settled(0);
      if (offset < size) throw new Error(`${offset} of ${size} bytes are there`);
      const [{ sha256, layout }] = await Promise.all([verifier.result(), handle.datasync()]);
      if (`sha256:${sha256}` !== digest) {
        const message = `the bytes have the digest sha256:${sha256}, announced was ${digest}`;
        throw new ContributionError("CONTRIBUTION_MISMATCH", "header.digest", message);
      }
      finished = true;
      return layout;
    },
    async [Symbol.asyncDispose](): Promise<void> {
      await writing;
      await syncing;
      if (!finished) {
        await verifier.settle().catch(() => undefined);
        // Where this fails, the digest of the whole says in the end that bytes are wrong.
        await handle.truncate(Math.min(verifier.verified, onDisk)).catch(() => undefined);
      }
      await verifier[Symbol.asyncDispose]();
      await handle.close();
    },
  };
}

async function writeAll(handle: FileHandle, pieces: readonly Uint8Array[], position: number): Promise<void> {
  let rest = pieces;
  let at = position;
  while (rest.length > 0) {
    let { bytesWritten } = await handle.writev(rest, at);
    at += bytesWritten;
    const left: Uint8Array[] = [];
    for (const piece of rest) {
      const done = Math.min(piece.length, bytesWritten);
      bytesWritten -= done;
      if (done < piece.length) left.push(piece.subarray(done));
    }
    rest = left;
  }
}
