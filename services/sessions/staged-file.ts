import { type FileHandle, open } from "node:fs/promises";
import { createPulse } from "#libs/concurrency";
import type { Digest } from "#libs/recipes";
import { type ContributionCheck, createContributionCheck } from "./contribution-check.ts";
import { ContributionError } from "./errors.ts";
import type { Hashes } from "./hashes.ts";
import type { Layout } from "./layout.ts";

/** A file that arrives piece by piece, looked at and hashed meanwhile. It stays where it is until somebody deletes it. */
export type StagedFile = AsyncDisposable & {
  /** Bytes that are taken. */
  readonly offset: number;
  /**
   * Takes the next bytes, which the caller must not change any more. Resolves when few enough bytes wait to be written.
   * @throws ContributionError as soon as they cannot be right
   */
  append(bytes: Uint8Array, waitingBytes: number): Promise<void>;
  /** Makes the whole file durable. @throws ContributionError if it is not the announced one */
  finish(): Promise<Layout>;
};

const READ_BYTES = 1 << 20;
/** So much may wait for the disk at the end: the operating system is asked for what came before while the rest arrives. */
const SYNC_BYTES = 64 << 20;

/** What the file has to be. `expected` gives the session's layout as far as it is known by then. */
export type Announced = {
  readonly path: string;
  readonly size: number;
  readonly digest: Digest;
  readonly headerBytes: number;
  readonly expected: () => Layout | undefined;
  readonly hashes: Hashes;
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

function createStagedFile(handle: FileHandle, { path, size, digest, headerBytes, expected, hashes }: Announced) {
  const hash = hashes.of({ path, size });
  const check: ContributionCheck = createContributionCheck({ size, headerBytes, expected });
  let offset = 0;
  let waiting = 0;
  let writing: Promise<void> | undefined;
  let busy = false;
  const queue: Uint8Array[] = [];
  const taken = createPulse();
  let failure: { readonly error: unknown } | undefined;
  let synced = 0;
  let syncing: Promise<void> | undefined;

  function look(bytes: Uint8Array): void {
    if (offset + bytes.length > size) {
      throw new ContributionError("CONTRIBUTION_MISMATCH", "header.size_bytes", `more than the announced ${size} bytes came`);
    }
    check.push(bytes);
    hash.update(bytes);
    offset += bytes.length;
  }

  /** Writes what waits, in one call as much as has come meanwhile. Never rejects. */
  async function write(): Promise<void> {
    busy = true;
    try {
      for (let position = offset - waiting; queue.length > 0; ) {
        const pieces = queue.splice(0);
        const bytes = pieces.reduce((sum, { length }) => sum + length, 0);
        await writeAll(handle, pieces, position);
        position += bytes;
        waiting -= bytes;
        hash.written(position);
        if (syncing === undefined && position - synced >= SYNC_BYTES) syncUpTo(position);
        taken.beat();
      }
    } catch (error) {
      failure = { error };
    }
    busy = false;
    taken.beat();
  }

  function syncUpTo(position: number): void {
    synced = position;
    // Its errors come again at the end.
    syncing = handle
      .datasync()
      .catch(() => undefined)
      .finally(() => {
        syncing = undefined;
      });
  }

  /** Resolves when at most so many bytes wait. */
  async function written(most: number): Promise<void> {
    while (waiting > most && !failure) await taken.changed(taken.version);
    if (failure) throw failure.error;
  }

  return {
    get offset() {
      return offset;
    },
    async recall(length: number, signal: AbortSignal): Promise<void> {
      const buffer = new Uint8Array(Math.min(READ_BYTES, length));
      while (offset < length) {
        signal.throwIfAborted();
        const { bytesRead } = await handle.read(buffer, 0, Math.min(buffer.length, length - offset), offset);
        if (bytesRead === 0) return;
        look(buffer.subarray(0, bytesRead));
        hash.written(offset);
      }
    },
    async append(bytes: Uint8Array, waitingBytes: number): Promise<void> {
      if (failure) throw failure.error;
      look(bytes);
      queue.push(bytes);
      waiting += bytes.length;
      if (!busy) writing = write();
      await written(waitingBytes);
    },
    async finish(): Promise<Layout> {
      await written(0);
      await syncing;
      if (offset < size) throw new Error(`${offset} of ${size} bytes are there`);
      const [hex] = await Promise.all([hash.digest(), handle.sync()]);
      if (`sha256:${hex}` !== digest) {
        const message = `the bytes have the digest sha256:${hex}, announced was ${digest}`;
        throw new ContributionError("CONTRIBUTION_MISMATCH", "header.digest", message);
      }
      return check.layout();
    },
    async [Symbol.asyncDispose](): Promise<void> {
      await writing;
      await syncing;
      await hash[Symbol.asyncDispose]();
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
