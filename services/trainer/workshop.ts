import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Artifacts } from "#libs/artifacts";
import { type FileLock, LockedError, lockFile, makeDirectory } from "#libs/files";
import type { BeginAttemptResponse } from "#proto/ratatouille/v1/finetune_pb.ts";
import { type BlobFiles, openBlobFiles } from "./files/blob-files.ts";
import { type DataRoot, openDataRoot } from "./files/data-root.ts";
import { createInputs } from "./inputs.ts";
import { openWork, type Work } from "./work.ts";

/** Where the attempts of a trainer have their inputs and what they make. */
export type Workshop = AsyncDisposable & {
  /** What the recipe of an attempt is run with, until it is disposed. */
  open(begun: Pick<BeginAttemptResponse, "job" | "inputs">, signal: AbortSignal): Work & AsyncDisposable;
};

export type WorkshopOptions = {
  readonly artifacts: Artifacts;
  /** Most bytes of inputs in memory. */
  readonly cacheBytes: number;
  /** Of inputs as files. Where another trainer has it, the next one of its name with a number is taken. */
  readonly directory: string;
  /** Most bytes of inputs as files. */
  readonly diskBytes: number;
  /** Files that are on this machine anyway. */
  readonly dataRoot?: string | undefined;
};

/** A workshop that touches no disk before something has to be a file. */
export function createWorkshop({ artifacts, cacheBytes, directory, diskBytes, dataRoot }: WorkshopOptions): Workshop {
  const inputs = createInputs(artifacts, cacheBytes);
  const root: DataRoot | undefined = dataRoot === undefined ? undefined : openDataRoot(dataRoot);
  let place: Promise<Place> | undefined;
  const placed = () => (place ??= takePlace(directory));
  let opened: Promise<BlobFiles> | undefined;
  const openFiles = async () =>
    openBlobFiles({ artifacts, directory: join((await placed()).path, "blobs"), most: diskBytes, dataRoot: root });
  const files: BlobFiles = {
    async hold(blob, signal) {
      opened ??= openFiles();
      return (await opened).hold(blob, signal);
    },
  };
  return {
    open: (begun, signal) =>
      openWork(
        begun,
        { artifacts, load: inputs(begun.inputs, signal), files, madeIn: async () => join((await placed()).path, "made") },
        signal,
      ),
    async [Symbol.asyncDispose]() {
      (await place)?.lock[Symbol.dispose]();
    },
  };
}

type Place = { readonly path: string; readonly lock: FileLock };

/** A directory for this process alone: the first of its name that no other trainer has. */
async function takePlace(directory: string): Promise<Place> {
  for (let number = 1; ; number++) {
    const path = number === 1 ? directory : `${directory}-${number}`;
    await makeDirectory(path);
    try {
      const lock = await lockFile(join(path, "lock"), { patienceMs: 0 });
      // What a trainer that was killed had made.
      await rm(join(path, "made"), { recursive: true, force: true });
      return { path, lock };
    } catch (error) {
      if (!(error instanceof LockedError)) throw error;
    }
  }
}
