import { readdir, rm, stat, truncate } from "node:fs/promises";
import { join } from "node:path";
import { abortable, changedWithin, createPulse } from "#libs/concurrency";
import { type Digest, digestHex } from "./digest.ts";
import { UploadMovedError, UploadTakenOverError } from "./errors.ts";

/** What is left of an upload is kept for so long after its last byte. */
const KEPT_MS = 3_600_000;
const ENDING = ".kept";

/** A file that an upload writes, alone until this is disposed. */
export type TakenUpload = Disposable & {
  readonly path: string;
  /** Another one has written it meanwhile, maybe to its end. */
  readonly waited: boolean;
  /** Aborts when another upload of the same blob takes its place. */
  readonly signal: AbortSignal;
  /** Leaves the first `offset` bytes of the file. @throws UploadMovedError where there are fewer */
  goOnBehind(offset: number): Promise<void>;
  /** Waits for what the sender owes; only this time counts as standing still. */
  awaiting<T>(work: Promise<T>): Promise<T>;
};

/** What is left of uploads that broke, by the digests that they announced. */
export type KeptUploads = {
  /** How many bytes of a blob are here. */
  received(digest: Digest): Promise<number>;
  /**
   * Takes the file of a blob. Waits for whoever writes it now, unless that one stands still: it is aborted (UploadTakenOverError), being
   * mostly the same sender's connection that broke, and nobody has noticed. Rejects with the reason of the signal.
   */
  take(digest: Digest, signal: AbortSignal): Promise<TakenUpload>;
};

type Writer = { readonly abort: AbortController; since: number | undefined };

/**
 * Keeps files in a directory; those that nobody went on with for an hour are removed.
 * @param takeOverMs after so long without a byte another upload may go on
 */
export async function openKeptUploads(directory: string, { takeOverMs }: { readonly takeOverMs: number }): Promise<KeptUploads> {
  const writers = new Map<Digest, Writer>();
  const left = createPulse();
  const pathOf = (digest: Digest) => join(directory, `${digestHex(digest)}${ENDING}`);

  async function sizeOf(digest: Digest): Promise<number> {
    const found = await stat(pathOf(digest)).catch(() => undefined);
    return found?.size ?? 0;
  }

  /** Puts a new writer in its place, when that is free. Returns whether it had to wait. */
  async function enter(digest: Digest, mine: Writer, signal: AbortSignal): Promise<boolean> {
    for (let waited = false; ; waited = true) {
      signal.throwIfAborted();
      const writer = writers.get(digest);
      if (!writer) {
        writers.set(digest, mine);
        return waited;
      }
      const still = writer.since === undefined ? 0 : performance.now() - writer.since;
      if (still >= takeOverMs) writer.abort.abort(new UploadTakenOverError(digest));
      const seen = left.version;
      if (writers.get(digest) === writer) await changedWithin(left, seen, Math.max(5, takeOverMs - still), signal);
    }
  }

  await removeOld(directory);
  return {
    received: sizeOf,
    async take(digest, signal) {
      await removeOld(directory, new Set([...writers.keys()].map(pathOf)));
      const writer: Writer = { abort: new AbortController(), since: undefined };
      const waited = await enter(digest, writer, signal);
      const path = pathOf(digest);
      return {
        path,
        waited,
        signal: writer.abort.signal,
        async goOnBehind(offset) {
          const found = await sizeOf(digest);
          if (found < offset) throw new UploadMovedError(digest, found, offset);
          if (found > offset) await truncate(path, offset);
        },
        async awaiting(work) {
          writer.since = performance.now();
          try {
            return await abortable(work, writer.abort.signal);
          } finally {
            writer.since = undefined;
          }
        },
        [Symbol.dispose]() {
          writers.delete(digest);
          left.beat();
        },
      };
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
