import { randomUUID } from "node:crypto";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Artifacts } from "#libs/artifacts";
import { abortable } from "#libs/concurrency";
import { replaceFile } from "#libs/files";
import { type ModelFiles, openModel } from "#libs/models";
import type { Descriptor, Digest } from "#libs/recipes";
import { resourceExhausted } from "#libs/rpc";
import type { LocalStore } from "./local-store.ts";

/** A blob of the catalog as a file, opened as a model. It stays until it is disposed, and after that as long as there is room. */
export type ScratchFile = Disposable & {
  /** Opens it, once for all who have it. @throws ModelError */
  open(): Promise<ModelFiles>;
};

/** Files of members: blobs of the catalog, fetched once, verified, and kept for the next average that reads them. */
export type Scratch = AsyncDisposable & {
  /** @throws RpcError RESOURCE_EXHAUSTED (SCRATCH_FULL) if there is no room for it; NOT_FOUND, DATA_LOSS */
  fetch(blob: Pick<Descriptor, "digest" | "size">, signal: AbortSignal): Promise<ScratchFile>;
  /** An empty folder, which goes when it is disposed. */
  folder(): Promise<AsyncDisposable & { readonly path: string }>;
};

/** What small blobs are: fetched in memory, and written at once. */
const SMALL_BYTES = 1 << 20;

type Entry = {
  readonly path: string;
  /** Bytes that it takes here: none where it is another name. */
  size: number;
  readonly stop: AbortController;
  readonly ready: Promise<void>;
  users: number;
  whole: boolean;
  opened: Promise<ModelFiles> | undefined;
};

/**
 * Opens an empty scratch folder: what an earlier process left there is removed.
 * @param limitBytes room for copies of blobs, all together
 * @param store where blobs are files of this machine: these get another name here, and are not copied
 */
export async function openScratch(
  directory: string,
  { artifacts, limitBytes, store }: { readonly artifacts: Artifacts; readonly limitBytes: number; readonly store?: LocalStore | undefined },
): Promise<Scratch> {
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory, { recursive: true });
  // In the order of their last use.
  const entries = new Map<Digest, Entry>();

  /** Removes what nobody uses, as much as there is too little room for what is there and on its way. */
  async function makeRoom(): Promise<void> {
    let used = 0;
    for (const entry of entries.values()) used += entry.size;
    for (const [digest, entry] of entries) {
      if (used <= limitBytes) return;
      if (entry.users > 0 || entry.size === 0) continue;
      entries.delete(digest);
      used -= entry.size;
      await rm(entry.path, { force: true });
    }
    if (used <= limitBytes) return;
    const message = `the members of all averages under way need ${used} bytes of scratch files; there is room for ${limitBytes} (--scratch-mebibytes)`;
    throw resourceExhausted(message, { reason: "SCRATCH_FULL", metadata: { limitBytes: String(limitBytes) } });
  }

  let begun = 0;
  function begin({ digest, size }: Pick<Descriptor, "digest" | "size">): Entry {
    const path = join(directory, `${digest.slice("sha256:".length)}-${begun++}.safetensors`);
    const stop = new AbortController();
    const ready = Promise.resolve().then(() => bring({ digest, size }, entry));
    const entry: Entry = { path, size: 0, stop, ready, users: 0, whole: false, opened: undefined };
    ready.then(
      () => {
        entry.whole = true;
      },
      () => undefined,
    );
    return entry;
  }

  async function bring({ digest, size }: Pick<Descriptor, "digest" | "size">, entry: Entry): Promise<void> {
    const { signal } = entry.stop;
    if (await store?.fetch({ digest, size }, entry.path, signal)) return;
    entry.size = size;
    await makeRoom();
    await download(artifacts, digest, size, entry.path, signal);
  }

  function release(digest: Digest, entry: Entry): void {
    entry.users--;
    if (entry.users > 0 || (entry.whole && entry.size > 0)) return;
    // Nobody waits for it any more, it has failed, or it is another name of a blob, which would keep the room of one that the catalog deletes.
    if (entries.get(digest) === entry) entries.delete(digest);
    entry.stop.abort();
    entry.ready.then(
      () => rm(entry.path, { force: true }),
      () => undefined,
    );
  }

  return {
    async fetch(blob, signal) {
      signal.throwIfAborted();
      const { digest } = blob;
      const entry = entries.get(digest) ?? begin(blob);
      entries.delete(digest);
      entries.set(digest, entry);
      entry.users++;
      try {
        await abortable(entry.ready, signal);
      } catch (error) {
        release(digest, entry);
        throw error;
      }
      let held = true;
      return {
        open() {
          entry.opened ??= openModel(entry.path);
          return entry.opened;
        },
        [Symbol.dispose]() {
          if (held) release(digest, entry);
          held = false;
        },
      };
    },
    async folder() {
      const path = join(directory, randomUUID());
      await mkdir(path);
      return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
    },
    async [Symbol.asyncDispose]() {
      for (const { stop } of entries.values()) stop.abort();
      await Promise.allSettled([...entries.values()].map(({ ready }) => ready));
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** Writes a blob to a file that has its name only when it is whole; the catalog's client compares its sha-256. */
async function download(artifacts: Artifacts, digest: Digest, size: number, path: string, signal: AbortSignal): Promise<void> {
  const content = size <= SMALL_BYTES ? await artifacts.download(digest, { signal }) : artifacts.stream(digest, { signal });
  await replaceFile(path, content, { fsync: false });
}
