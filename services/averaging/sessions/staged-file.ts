import { createHash } from "node:crypto";
import { type FileHandle, open } from "node:fs/promises";
import type { Digest } from "#libs/recipes";
import { type ContributionCheck, createContributionCheck } from "./contribution-check.ts";
import { ContributionError } from "./errors.ts";
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
};

/** Opens a staged file, or begins one, and goes on behind what is there: that is read again, so that hash and checks know it. */
export async function openStagedFile(announced: Announced, signal: AbortSignal): Promise<StagedFile> {
  const handle = await open(announced.path, "a+").then(async (created) => {
    // "a+" makes the file if it is not there; written is by position.
    await created.close();
    return open(announced.path, "r+");
  });
  try {
    const found = (await handle.stat()).size;
    if (found > announced.size) await handle.truncate(0);
    const file = createStagedFile(handle, announced);
    await file.recall(found > announced.size ? 0 : found, signal);
    return file;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

function createStagedFile(handle: FileHandle, { size, digest, headerBytes, expected }: Announced) {
  const hash = createHash("sha256");
  const check: ContributionCheck = createContributionCheck({ size, headerBytes, expected });
  let offset = 0;
  let waiting = 0;
  let writing: Promise<void> = Promise.resolve();
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

  async function write(bytes: Uint8Array, position: number): Promise<void> {
    for (let done = 0; done < bytes.length; ) {
      const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, position + done);
      done += bytesWritten;
    }
    waiting -= bytes.length;
    if (syncing === undefined && position + bytes.length - synced >= SYNC_BYTES) {
      synced = position + bytes.length;
      // Its errors come again at the end.
      syncing = handle
        .datasync()
        .catch(() => undefined)
        .finally(() => (syncing = undefined));
    }
  }

  const fail = (error: unknown) => {
    failure ??= { error };
  };

  async function written(): Promise<void> {
    await writing;
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
      }
    },
    async append(bytes: Uint8Array, waitingBytes: number): Promise<void> {
      const position = offset;
      look(bytes);
      waiting += bytes.length;
      writing = writing.then(() => (failure ? undefined : write(bytes, position))).catch(fail);
      if (failure || waiting > waitingBytes) await written();
    },
    async finish(): Promise<Layout> {
      await written();
      await syncing;
      if (offset < size) throw new Error(`${offset} of ${size} bytes are there`);
      const actual = `sha256:${hash.digest("hex")}`;
      if (actual !== digest) {
        throw new ContributionError(
          "CONTRIBUTION_MISMATCH",
          "header.digest",
          `the bytes have the digest ${actual}, announced was ${digest}`,
        );
      }
      const layout = check.layout();
      await handle.sync();
      return layout;
    },
    async [Symbol.asyncDispose](): Promise<void> {
      await writing;
      await syncing;
      await handle.close();
    },
  };
}
