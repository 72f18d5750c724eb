import { createWriteStream } from "node:fs";
import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Artifacts } from "#libs/artifacts";
import { createSharedWork } from "#libs/concurrency";
import { digestOfFile, makeDirectory, temporaryFor } from "#libs/files";
import type { Digest } from "#libs/recipes";
import { bytes as bytesText } from "#libs/text";
import type { DataRoot } from "./data-root.ts";

/** What a blob is: its digest, and how many bytes it has. */
export type BlobName = { readonly digest: Digest; readonly bytes: number };

/** A file of this machine with the bytes of a blob. It stays until it is let go. */
export type HeldFile = Disposable & { readonly path: string };

/** Blobs of the catalog as files of this machine. */
export type BlobFiles = {
  /** @throws CacheFullError, RpcError of the catalog, NoSpaceError, the signal's reason */
  hold(blob: BlobName, signal: AbortSignal): Promise<HeldFile>;
};

/** The files of one job are more than the cache may hold. */
export class CacheFullError extends Error {
  override readonly name = "CacheFullError";
}

/** A file in the cache; `seen`: this process wrote it or has looked at what is in it. */
type Entry = { readonly path: string; readonly bytes: number; seen: boolean };

/**
 * Brings blobs to a directory that nobody else uses, each once, and keeps those that were used last: together they have at most `most`
 * bytes. Files that are there from before, or below the data root, are used where their sha-256 is the blob's, which is looked at once.
 */
export function openBlobFiles({
  artifacts,
  directory,
  most,
  dataRoot,
}: {
  readonly artifacts: Pick<Artifacts, "stream">;
  readonly directory: string;
  readonly most: number;
  readonly dataRoot?: DataRoot | undefined;
}): BlobFiles {
  const work = createSharedWork<never, string>();
  /** In the order of their last use. */
  const entries = new Map<Digest, Entry>();
  /** How many want or hold each. */
  const holders = new Map<Digest, number>();
  let opened: Promise<void> | undefined;

  /** Takes over what an earlier process has left here. */
  async function open(): Promise<void> {
    await makeDirectory(directory);
    for (const name of await readdir(directory)) {
      const path = join(directory, name);
      if (/^[0-9a-f]{64}$/.test(name)) entries.set(`sha256:${name}`, { path, bytes: (await stat(path)).size, seen: false });
      else if (name.endsWith(".partial")) await rm(path, { force: true });
    }
  }

  const used = () => [...entries.values()].reduce((sum, entry) => sum + entry.bytes, 0);

  /** Makes room for a blob and takes it in the same turn, so that others who come meanwhile find what is left. */
  async function reserve({ digest, bytes }: BlobName, path: string): Promise<void> {
    for (const [other, { path: unused }] of entries) {
      if (used() + bytes <= most) break;
      if (holders.has(other)) continue;
      entries.delete(other);
      await rm(unused, { force: true });
    }
    if (used() + bytes > most) {
      const [inUse, limit, next] = [used(), most, bytes].map(bytesText);
      throw new CacheFullError(
        `the files of this job need more than the ${limit} that this trainer keeps on its disk: ${inUse} are in use and ${next} come to them; --disk-cache says how much it may keep`,
      );
    }
    entries.set(digest, { path, bytes, seen: false });
  }

  /** Whether a file has the bytes of its name. @throws the signal's reason */
  async function isWhole(digest: Digest, { path, seen }: Entry, signal: AbortSignal): Promise<boolean> {
    if (seen) return true;
    const found = await digestOfFile(path, { signal }).catch(() => undefined);
    signal.throwIfAborted();
    return found === digest;
  }

  async function bring(blob: BlobName, signal: AbortSignal): Promise<string> {
    const { digest, bytes } = blob;
    const there = await dataRoot?.find(digest, bytes, signal);
    if (there !== undefined) return there;
    const entry = entries.get(digest);
    const isThere = entry !== undefined && (await isWhole(digest, entry, signal));
    entries.delete(digest);
    if (isThere) {
      // The last of the map is what was used last.
      entries.set(digest, { ...entry, seen: true });
      return entry.path;
    }
    if (entry) await rm(entry.path, { force: true });
    const path = join(directory, digest.slice("sha256:".length));
    await reserve(blob, path);
    try {
      await using temporary = await temporaryFor(path, { alone: true });
      await pipeline(Readable.from(artifacts.stream(digest, { signal })), createWriteStream(temporary.path), { signal });
      await temporary.publish();
    } catch (error) {
      entries.delete(digest);
      throw error;
    }
    entries.set(digest, { path, bytes, seen: true });
    return path;
  }

  function letGo(digest: Digest): void {
    const left = (holders.get(digest) ?? 1) - 1;
    if (left === 0) holders.delete(digest);
    else holders.set(digest, left);
  }

  return {
    async hold(blob, signal) {
      const { digest } = blob;
      // Before anything else: what somebody waits for does not go to make room.
      holders.set(digest, (holders.get(digest) ?? 0) + 1);
      let held = true;
      const release = () => {
        if (held) letGo(digest);
        held = false;
      };
      try {
        opened ??= open();
        await opened;
        const path = await work.run(digest, signal, (shared) => bring(blob, shared));
        return { path, [Symbol.dispose]: release };
      } catch (error) {
        release();
        throw error;
      }
    },
  };
}
