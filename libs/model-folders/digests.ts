import { availableParallelism } from "node:os";
import { type DigestCache, type DigestedFile, type ModelFiles, openDigestCache, type WeightsFile, weightsDigest } from "#libs/models";
import type { Digest } from "#libs/recipes";
import type { DigestSetup } from "./digest-thread.ts";
import type { Reading } from "./reading.ts";

export type DigestsOptions = {
  /** Default: one for each core. */
  readonly threads?: number | undefined;
  readonly signal: AbortSignal;
  /** Called once before anything is read, with how many files are; what it returns hears of the bytes, and is disposed of at the end. */
  readonly onReading?: (files: number) => Disposable & { update(reading: Reading): void };
};

/** Below that many bytes a thread takes longer to start than to read. */
const WORTH_THREADS = 256e6;

/** Bytes of the files of models whose digests the user's cache does not know. */
export function unknownBytes(models: readonly ModelFiles[]): number {
  return unknownFiles(models, openDigestCache()).reduce((sum, { size }) => sum + size, 0);
}

function unknownFiles(models: readonly ModelFiles[], cache: DigestCache): WeightsFile[] {
  const files = new Map(models.flatMap((model) => model.files.map((file) => [file.path, file] as const)));
  return [...files.values()].filter((file) => cache.get(file) === undefined);
}

/**
 * The digests of models: what the user's cache knows at once, the rest by reading, in several threads where that is much.
 * @throws ModelError if a file is no longer the one that was opened
 */
export async function digestsOf(models: readonly ModelFiles[], options: DigestsOptions): Promise<Digest[]> {
  const cache = openDigestCache();
  const unknown = unknownFiles(models, cache);
  const total = unknown.reduce((sum, { size }) => sum + size, 0);
  const known = total === 0 ? cache : await read(unknown, total, cache, options);
  return Promise.all(models.map((model) => weightsDigest(model, { cache: known, signal: options.signal })));
}

/** Reads files, and gives a cache that knows them also where the user's one does not take them. */
async function read(
  files: readonly WeightsFile[],
  total: number,
  cache: DigestCache,
  { threads = availableParallelism(), signal, onReading }: DigestsOptions,
): Promise<DigestCache> {
  const found = new Map<string, Digest>();
  const take = (file: WeightsFile, digest: Digest) => {
    found.set(file.path, digest);
    cache.set(file, digest);
  };
  using display = onReading?.(files.length);
  const onProgress = (reading: Reading) => display?.update(reading);
  if (total < WORTH_THREADS || files.length === 1 || threads < 2) await readHere(files, total, signal, onProgress, take);
  else await readInThreads(files, total, threads, signal, onProgress, take);
  return { ...cache, get: (file) => cache.get(file) ?? found.get((file as WeightsFile).path), set: () => undefined };
}

type Take = (file: WeightsFile, digest: Digest) => void;
type OnProgress = (reading: Reading) => void;

async function readHere(files: readonly WeightsFile[], totalBytes: number, signal: AbortSignal, onProgress: OnProgress, take: Take) {
  let readBytes = 0;
  for (const file of files) {
    const onRead = (count: number) => {
      readBytes += count;
      onProgress({ readBytes, totalBytes });
    };
    take(file, await weightsDigest({ files: [file] }, { signal, onRead }));
  }
}

async function readInThreads(
  files: readonly WeightsFile[],
  totalBytes: number,
  threads: number,
  signal: AbortSignal,
  onProgress: OnProgress,
  take: Take,
) {
  const { runInThreads } = await import("#libs/threads");
  const module = new URL("digest-thread.ts", import.meta.url);
  // The largest first, so that no thread is left with one at the end.
  const units = files
    .toSorted((a, b) => b.size - a.size)
    .map(({ path, size, identity, torch }): DigestedFile => ({ path, size, identity, ...(torch && { torch }) }));
  const setup: DigestSetup = { readBytes: new SharedArrayBuffer(8) };
  const counter = new BigUint64Array(setup.readBytes);
  const timer = setInterval(() => onProgress({ readBytes: Number(Atomics.load(counter, 0)), totalBytes }), 100);
  try {
    for await (const { index, result } of runInThreads<DigestedFile, Digest>({ module, setup, units, threads, signal }))
      take(units[index] as WeightsFile, result);
  } finally {
    clearInterval(timer);
  }
}
