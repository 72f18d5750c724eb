import { createHash, randomUUID } from "node:crypto";
import { open, readdir, rm, stat, unlink } from "node:fs/promises";
import { join } from "node:path";
import { asWriteError, hasErrorCode, makeDirectory, moveDurably, publishFiles, writeTo } from "#libs/files";
import { readBlob } from "./blob-reader.ts";
import { type Digest, digestHex, isDigest, parseDigest } from "./digest.ts";
import { DigestMismatchError } from "./errors.ts";
import { createMutex } from "./mutex.ts";

/** What is known of a stored blob. `modifiedMs` is when it was last put, in milliseconds since 1970. */
export type BlobStat = { readonly size: number; readonly modifiedMs: number };

/** Immutable bytes, named by their sha-256. */
export type BlobStore = {
  /**
   * Stores the bytes of a stream. They are visible under their digest when, and only when, all of them are on the disk.
   * A blob that is there already is replaced by the fresh copy, which heals it and makes it young for the garbage collector.
   * Throws DigestMismatchError if digest or size are not the announced ones, NoSpaceError, or the reason of the signal; nothing is kept then.
   */
  put(
    source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
    options?: { digest?: string | undefined; size?: number | undefined; signal?: AbortSignal | undefined },
  ): Promise<{ digest: Digest; size: number; existed: boolean }>;
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
  /** The file that holds the blob, whether it exists or not. */
  path(digest: string): string;
  /** Deletes a blob, unless it was put after `notAfterMs`. Returns whether it was deleted. */
  delete(digest: string, options?: { notAfterMs?: number | undefined }): Promise<boolean>;
  /** All blobs in the order of their digests. */
  list(): AsyncGenerator<{ digest: Digest } & BlobStat, void, undefined>;
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
export async function openBlobStore(directory: string): Promise<BlobStore> {
  const [root, incoming, corrupt] = [join(directory, "sha256"), join(directory, "incoming"), join(directory, "corrupt")];
  for (const path of [root, incoming, corrupt]) await makeDirectory(path);
  for (const name of await readdir(incoming)) await rm(join(incoming, name), { recursive: true, force: true });
  // Between a look at a blob and its removal no fresh copy of it may arrive.
  const renaming = createMutex();

  const shard = (digest: string) => join(root, digestHex(digest).slice(0, 2));
  const path = (digest: string) => join(shard(digest), digestHex(digest));

  async function statBlob(digest: string): Promise<BlobStat | undefined> {
    try {
      const { size, mtimeMs } = await stat(path(digest));
      return { size, modifiedMs: mtimeMs };
    } catch (error) {
      if (hasErrorCode(error, "ENOENT")) return undefined;
      throw error;
    }
  }

  return {
    path,
    stat: statBlob,
    read: (digest, options) => readBlob(path(digest), parseDigest(digest), options),

    async put(source, { digest: announced, size: announcedSize, signal } = {}) {
      if (announced !== undefined) parseDigest(announced);
      const temporary = join(incoming, `${randomUUID()}.part`);
      try {
        const { digest, size } = await writeTemporary(temporary, source, { announcedSize, signal });
        if (announcedSize !== undefined && size !== announcedSize) throw new DigestMismatchError("size", announcedSize, size);
        if (announced !== undefined && digest !== announced) throw new DigestMismatchError("digest", announced, digest);
        await makeDirectory(shard(digest));
        let existed = false;
        const within = (name: () => Promise<void>) =>
          renaming.run(async () => {
            existed = (await statBlob(digest)) !== undefined;
            await name();
          });
        await publishFiles([{ from: temporary, to: path(digest) }], { within });
        return { digest, size, existed };
      } catch (error) {
        await rm(temporary, { force: true });
        throw asWriteError(error, temporary);
      }
    },

    async delete(digest, { notAfterMs = Number.POSITIVE_INFINITY } = {}) {
      return renaming.run(async () => {
        const found = await statBlob(digest);
        if (!found || found.modifiedMs > notAfterMs) return false;
        await unlink(path(digest));
        return true;
      });
    },

    async *list() {
      for (const name of (await readdir(root)).sort()) {
        for (const hex of (await readdir(join(root, name))).sort()) {
          const digest = `sha256:${hex}`;
          if (!isDigest(digest)) continue;
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
  { announcedSize, signal }: { announcedSize: number | undefined; signal: AbortSignal | undefined },
): Promise<{ digest: Digest; size: number }> {
  signal?.throwIfAborted();
  const hash = createHash("sha256");
  let size = 0;
  const handle = await open(path, "wx");
  try {
    for await (const chunk of source) {
      signal?.throwIfAborted();
      size += chunk.byteLength;
      // A sender that lies about the size must not fill the disk first.
      if (announcedSize !== undefined && size > announcedSize)
        throw new DigestMismatchError("size", announcedSize, `more than ${announcedSize}`);
      hash.update(chunk);
      await writeTo(handle, chunk);
    }
    signal?.throwIfAborted();
  } finally {
    await handle.close();
  }
  return { digest: `sha256:${hash.digest("hex")}`, size };
}
