import { readdir, rm, stat, truncate } from "node:fs/promises";
import { join } from "node:path";
import { type Digest, digestHex } from "./digest.ts";
import { UploadMovedError } from "./errors.ts";

/** What is left of an upload is kept for so long after its last byte. */
const KEPT_MS = 3_600_000;
const ENDING = ".kept";

/** A file that an upload goes on with, for one writer alone. */
export type TakenUpload = {
  readonly path: string;
  /** Aborts when another upload of the same blob takes its place. */
  readonly signal: AbortSignal;
  release(): void;
};

/** What is left of uploads that broke, by the digests that they announced. */
export type KeptUploads = {
  /** How many bytes of a blob are here. */
  received(digest: Digest): Promise<number>;
  /**
   * Takes the file of a blob, with its first `offset` bytes. Whoever writes it now is aborted first: mostly the same sender's connection
   * that broke, and nobody has noticed.
   * @throws UploadMovedError where there are fewer bytes
   */
  take(digest: Digest, offset: number): Promise<TakenUpload>;
};

/** Keeps files in a directory; those that nobody went on with for an hour are removed. */
export async function openKeptUploads(directory: string): Promise<KeptUploads> {
  const writers = new Map<Digest, { readonly abort: AbortController; readonly over: Promise<void> }>();
  const pathOf = (digest: Digest) => join(directory, `${digestHex(digest)}${ENDING}`);

  async function sizeOf(digest: Digest): Promise<number> {
    const found = await stat(pathOf(digest)).catch(() => undefined);
    return found?.size ?? 0;
  }

  await removeOld(directory);
  return {
    received: sizeOf,
    async take(digest, offset) {
      await removeOld(directory, new Set([...writers.keys()].map(pathOf)));
      for (let writer = writers.get(digest); writer !== undefined; writer = writers.get(digest)) {
        writer.abort.abort(new Error("another upload of the same blob goes on with it"));
        await writer.over;
      }
      const abort = new AbortController();
      const { promise: over, resolve } = Promise.withResolvers<void>();
      writers.set(digest, { abort, over });
      const release = () => {
        writers.delete(digest);
        resolve();
      };
      try {
        const found = await sizeOf(digest);
        if (found < offset) throw new UploadMovedError(digest, found, offset);
        if (found > offset) await truncate(pathOf(digest), offset);
        return { path: pathOf(digest), signal: abort.signal, release };
      } catch (error) {
        release();
        throw error;
      }
    },
  };
}

async function removeOld(directory: string, used: ReadonlySet<string> = new Set()): Promise<void> {
  for (const name of await readdir(directory)) {
    const path = join(directory, name);
    if (!name.endsWith(ENDING) || used.has(path)) continue;
    const found = await stat(path).catch(() => undefined);
    if (found && Date.now() - found.mtimeMs > KEPT_MS) await rm(path, { force: true });
  }
}

/** Whether a file of the directory is one that is kept, and not left over. */
export function isKept(name: string): boolean {
  return name.endsWith(ENDING);
}
