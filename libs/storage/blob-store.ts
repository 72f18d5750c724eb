import { createHash, type Hash, randomUUID } from "node:crypto";
import { statSync } from "node:fs";
import { constants, type FileHandle, open, readdir, rm, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { asWriteError, hasErrorCode, makeDirectory, moveDurably, NoSpaceError, publishFiles, writeTo } from "#libs/files";
import { blobPath, blobsDirectory, givenPath, incomingDirectory } from "./blob-layout.ts";
import { readBlob } from "./blob-reader.ts";
import { type Digest, digestHex, isDigest, parseDigest } from "./digest.ts";
import { BlobMissingError, DigestMismatchError } from "./errors.ts";
import { isKept, openKeptUploads, type TakenUpload } from "./kept-uploads.ts";
import { createMutex } from "./mutex.ts";

const READ_BYTES = 1 << 20;
/** After so long without a byte another upload of the same blob may go on with it. */
const TAKE_OVER_MS = 3000;
/** Blobs whose touch is remembered. */
const MOST_TOUCHED = 100_000;

/** What is known of a stored blob. `modifiedMs` is when it was last put or touched, in milliseconds since 1970. */
export type BlobStat = { readonly size: number; readonly modifiedMs: number };

/** Immutable bytes, named by their sha-256. */
export type BlobStore = {
  /**
   * Stores the bytes of a stream. They are visible under their digest when, and only when, all of them are on the disk.
   * A blob that is there already is replaced by the fresh copy, which heals it and makes it young for the garbage collector.
   * Throws DigestMismatchError if digest or size are not the announced ones, NoSpaceError, or the reason of the signal; nothing is kept then.
   * With `from`, which needs the digest, the source begins behind that many bytes of an upload that broke (UploadMovedError where they are
   * not here), and if it breaks itself, what came is kept for an hour, to go on with. Such puts of one blob at once wait for each other: where
   * the first has ended well, the second reads nothing. One that stands still gives way (UploadTakenOverError).
   */
  put(
    source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
    options?: {
      digest?: string | undefined;
      size?: number | undefined;
      from?: number | undefined;
      signal?: AbortSignal | undefined;
    },
  ): Promise<{ digest: Digest; size: number; existed: boolean }>;
  /**
   * Makes a blob of a file that somebody on this machine has put to `givenPath`: it is read for its digest, and gets another name. It is gone
   * from there in any case. Throws as `put`, and BlobMissingError where there is no such file.
   */
  take(
    name: string,
    options: { digest: string; size?: number | undefined; signal?: AbortSignal | undefined },
  ): Promise<{ digest: Digest; size: number; existed: boolean }>;
  /** How many bytes of a blob are here of an upload that broke. */
  received(digest: Digest): Promise<number>;
  /**
   * Streams a blob, or `length` bytes of it from `offset` (fewer at the end of the blob), in chunks of at most 1 MiB.
   * A read of the whole blob verifies the digest and holds the last chunk back until it is right: CorruptBlobError.
   * Throws BlobMissingError, and RangeError if the offset lies behind the end.
   */
  read(
    digest: string,
    options?: { offset?: number | undefined; length?: number | undefined; signal?: AbortSignal | undefined },
  ): AsyncGenerator<Uint8Array, void, undefined>;
  /** Size and age of a blob; undefined if there is none. */
  stat(digest: string): Promise<BlobStat | undefined>;
  /**
   * Makes a blob young for as long as this process lives, as if it had been put now. Returns whether it is there. The file stays as it is:
   * others may be reading it, and see that nobody has changed it.
   */
  touch(digest: string): Promise<boolean>;
  /** The file that holds the blob, whether it exists or not. */
  path(digest: string): string;
  /** Deletes a blob, unless it was put after `notAfterMs`. Returns whether it was deleted. */
  delete(digest: string, options?: { notAfterMs?: number | undefined }): Promise<boolean>;
  /** All blobs in the order of their digests, or those after one. */
  list(options?: { after?: string | undefined }): AsyncGenerator<{ digest: Digest } & BlobStat, void, undefined>;
  /**
   * Moves a corrupted blob out of the way, to `corrupt/`, where a person can look at it. Does nothing if it is not there, or, where `seen` is
   * given, if it is not in that state any more: a fresh copy was put since. Returns whether it was moved.
   */
  setAside(digest: string, options?: { seen?: BlobStat | undefined }): Promise<boolean>;
};

/**
 * Opens the blob store in a directory, which is created if need be, and removes what was left half-written there. One process at a time: it
 * holds the lock of a directory above (`lockDirectory`).
 * @example
 * ```ts
 * import { text } from "node:stream/consumers";
 * import { temporaryDirectory } from "#libs/testing";
 * await using directory = await temporaryDirectory();
 * const store = await openBlobStore(directory.path);
 * const { digest, size } = await store.put([Buffer.from("ab"), Buffer.from("c")]);
 * [digest, size]; // ["sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", 3]
 * await text(store.read(digest)); // "abc"
 * await text(store.read(digest, { offset: 1, length: 1 })); // "b"
 * ```
 */
export async function openBlobStore(
  directory: string,
  { takeOverMs = TAKE_OVER_MS }: { readonly takeOverMs?: number } = {},
): Promise<BlobStore> {
  const [root, incoming, corrupt] = [blobsDirectory(directory), incomingDirectory(directory), join(directory, "corrupt")];
  for (const path of [root, incoming, corrupt]) await makeDirectory(path);
  for (const name of await readdir(incoming)) if (!isKept(name)) await rm(join(incoming, name), { recursive: true, force: true });
  const kept = await openKeptUploads(incoming, { takeOverMs });
  // Between a look at a blob and its removal no fresh copy of it may arrive.
  const renaming = createMutex();
  // When blobs were touched, in the order of that.
  const touched = new Map<string, number>();

  const path = (digest: string) => blobPath(directory, digest);

  /** Gives a file whose bytes are known its name. */
  async function name(temporary: string, digest: Digest): Promise<boolean> {
    await makeDirectory(dirname(path(digest)));
    let existed = false;
    const within = (rename: () => Promise<void>) =>
      renaming.run(async () => {
        existed = (await statBlob(digest)) !== undefined;
        await rename();
      });
    await publishFiles([{ from: temporary, to: path(digest) }], { within });
    return existed;
  }

  /** Without a thread: that would take ten times as long as the look at the file, and every lookup of an artifact looks at its files. */
  async function statBlob(digest: string): Promise<BlobStat | undefined> {
    const found = statSync(path(digest), { throwIfNoEntry: false });
    return found && { size: found.size, modifiedMs: Math.max(found.mtimeMs, touched.get(digest) ?? 0) };
  }

  return {
    path,
    stat: statBlob,
    read: (digest, options) => readBlob(path(digest), parseDigest(digest), options),

    received: kept.received,

    async put(source, { digest: announced, size: announcedSize, from, signal = new AbortController().signal } = {}) {
      const named = announced === undefined ? undefined : parseDigest(announced);
      using taken = named !== undefined && from !== undefined ? await kept.take(named, signal) : undefined;
      if (taken?.waited && named !== undefined) {
        const found = await statBlob(named);
        if (found && (announcedSize === undefined || found.size === announcedSize))
          return { digest: named, size: found.size, existed: true };
      }
      await taken?.goOnBehind(from ?? 0);
      const temporary = taken?.path ?? join(incoming, `${randomUUID()}.part`);
      try {
        const { digest, size } = await writeTemporary(temporary, taken ? awaited(source, taken) : source, {
          announcedSize,
          from: from ?? 0,
          signals: taken ? [signal, taken.signal] : [signal],
        });
        checkAnnounced({ digest, size }, { digest: announced, size: announcedSize });
        const existed = await name(temporary, digest);
        return { digest, size, existed };
      } catch (error) {
        const problem = asWriteError(error, temporary);
        if (!taken || problem instanceof DigestMismatchError || problem instanceof NoSpaceError) await rm(temporary, { force: true });
        throw problem;
      }
    },

    async take(given, { digest: announced, size: announcedSize, signal }) {
      const temporary = givenPath(directory, given);
      try {
        const hash = createHash("sha256");
        const size = await hashWhole(temporary, parseDigest(announced), hash, signal);
        const digest: Digest = `sha256:${hash.digest("hex")}`;
        checkAnnounced({ digest, size }, { digest: announced, size: announcedSize });
        return { digest, size, existed: await name(temporary, digest) };
      } catch (error) {
        await rm(temporary, { force: true });
        throw asWriteError(error, temporary);
      }
    },

    async touch(digest) {
      return renaming.run(async () => {
        if ((await statBlob(digest)) === undefined) return false;
        touched.delete(digest);
        touched.set(digest, Date.now());
        const [first] = touched.keys();
        if (touched.size > MOST_TOUCHED && first !== undefined) touched.delete(first);
        return true;
      });
    },

    async delete(digest, { notAfterMs = Number.POSITIVE_INFINITY } = {}) {
      return renaming.run(async () => {
        const found = await statBlob(digest);
        if (!found || found.modifiedMs > notAfterMs) return false;
        await unlink(path(digest));
        return true;
      });
    },

    async *list({ after = "" } = {}) {
      const shardOfAfter = after === "" ? "" : basename(dirname(path(after)));
      for (const name of (await readdir(root)).sort()) {
        if (name < shardOfAfter) continue;
        for (const hex of (await readdir(join(root, name))).sort()) {
          const digest = `sha256:${hex}`;
          if (!isDigest(digest) || digest <= after) continue;
          const found = await statBlob(digest);
          if (found) yield { digest, ...found };
        }
      }
    },

    async setAside(digest, { seen } = {}) {
      return renaming.run(async () => {
        const found = await statBlob(digest);
        if (!found || (seen && (found.size !== seen.size || found.modifiedMs !== seen.modifiedMs))) return false;
        await moveDurably(path(digest), join(corrupt, `${digestHex(digest)}-${Date.now()}`));
        return true;
      });
    },
  };
}

async function writeTemporary(
  path: string,
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  { announcedSize, from, signals }: { announcedSize: number | undefined; from: number; signals: readonly AbortSignal[] },
): Promise<{ digest: Digest; size: number }> {
  const throwIfAborted = () => {
    for (const signal of signals) signal.throwIfAborted();
  };
  throwIfAborted();
  const hash = createHash("sha256");
  let size = from;
  const handle = await open(path, from > 0 ? "r+" : "w+");
  // One chunk is written while the next one comes and is hashed.
  let writing: Promise<void> = Promise.resolve();
  try {
    await hashBeginning(handle, from, hash);
    for await (const chunk of source) {
      throwIfAborted();
      const at = size;
      size += chunk.byteLength;
      // A sender that lies about the size must not fill the disk first.
      if (announcedSize !== undefined && size > announcedSize)
        throw new DigestMismatchError("size", announcedSize, `more than ${announcedSize}`);
      hash.update(chunk);
      await writing;
      writing = writeTo(handle, chunk, at);
      // Whoever waits for it hears of it.
      writing.catch(() => undefined);
    }
    throwIfAborted();
    await writing;
  } finally {
    await writing.catch(() => undefined);
    await handle.close();
  }
  return { digest: `sha256:${hash.digest("hex")}`, size };
}

function checkAnnounced(
  actual: { readonly digest: Digest; readonly size: number },
  announced: { readonly digest: string | undefined; readonly size: number | undefined },
): void {
  if (announced.size !== undefined && actual.size !== announced.size) throw new DigestMismatchError("size", announced.size, actual.size);
  if (announced.digest !== undefined && actual.digest !== announced.digest)
    throw new DigestMismatchError("digest", announced.digest, actual.digest);
}

/** Hashes a file, which has to be one and no link to one, and returns its size. */
async function hashWhole(path: string, digest: Digest, hash: Hash, signal: AbortSignal | undefined): Promise<number> {
  const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW).catch((cause: unknown) => {
    throw hasErrorCode(cause, "ENOENT") ? new BlobMissingError(digest, { cause }) : cause;
  });
  try {
    const { size } = await handle.stat();
    await hashBeginning(handle, size, hash, signal);
    return size;
  } finally {
    await handle.close();
  }
}

async function hashBeginning(handle: FileHandle, bytes: number, hash: Hash, signal?: AbortSignal): Promise<void> {
  const buffer = new Uint8Array(Math.min(bytes, READ_BYTES));
  for (let at = 0; at < bytes; ) {
    signal?.throwIfAborted();
    const { bytesRead } = await handle.read(buffer, 0, Math.min(buffer.length, bytes - at), at);
    if (bytesRead === 0) throw new RangeError(`the file ends at ${at}, before byte ${bytes}`);
    hash.update(buffer.subarray(0, bytesRead));
    at += bytesRead;
  }
}

/** The same until another upload takes the place, however long the next item takes. */
async function* awaited<T>(source: AsyncIterable<T> | Iterable<T>, taken: TakenUpload): AsyncGenerator<T, void, undefined> {
  const iterator = Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
  try {
    for (;;) {
      const next = await taken.awaiting(Promise.resolve(iterator.next()));
      if (next.done) return;
      yield next.value;
    }
  } finally {
    void iterator.return?.();
  }
}
