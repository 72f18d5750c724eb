import { mkdir, open, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { MergePlan, OutputFile } from "../plan/types.ts";
import { isSystemError, writeError } from "./errors.ts";
import { ownersOf } from "./journal.ts";
import { isAnotherLiving } from "./owner.ts";

/** Where outputs are, and what they are until they are published. */
export type OutputPlaces = {
  readonly directory: string;
  readonly journal: string;
  readonly outputs: readonly { readonly output: OutputFile; readonly path: string; readonly partial: string }[];
};

/** Names of temporary files: of the outputs, and of the merge's key, so that only the same merge goes on with them. */
export function outputPlaces({ key, outputs }: Pick<MergePlan, "key" | "outputs">, directory: string): OutputPlaces {
  const short = key.replace(/^sha256:/, "").slice(0, 12);
  const hidden = (name: string, end: string) => join(directory, dirname(name), `.${name.slice(name.lastIndexOf("/") + 1)}.${short}.${end}`);
  return {
    directory,
    journal: hidden(outputs[0]?.name ?? "merge", "journal"),
    outputs: outputs.map((output) => ({ output, path: join(directory, output.name), partial: hidden(output.name, "partial") })),
  };
}

/** Makes the folder, and the folders of outputs within it. @throws MergeError (disk) */
export async function makeFolders({ directory, outputs }: OutputPlaces): Promise<void> {
  for (const folder of new Set([directory, ...outputs.map(({ path }) => dirname(path))])) {
    await mkdir(folder, { recursive: true }).catch((error: unknown) => Promise.reject(writeError(error, folder)));
  }
}

/** The outputs that have been written before, by this merge or by another. */
export async function existingOutputs({ outputs }: OutputPlaces): Promise<string[]> {
  const sizes = await Promise.all(outputs.map(async ({ path }) => ((await sizeOf(path)) === undefined ? [] : [path])));
  return sizes.flat();
}

/** Whether all files of an interrupted merge are there, as they were left. */
export async function arePartialsWhole({ outputs }: OutputPlaces): Promise<boolean> {
  const sizes = await Promise.all(outputs.map(({ partial }) => sizeOf(partial)));
  return sizes.every((size, i) => size === outputs[i]!.output.size);
}

/** Makes the files that become the outputs: header first, of full size. @throws MergeError (disk) */
export async function createPartials({ outputs }: OutputPlaces): Promise<void> {
  for (const { output, partial } of outputs) {
    try {
      await using file = await open(partial, "w");
      await file.writeFile(output.header);
      await file.truncate(output.size);
    } catch (error) {
      throw writeError(error, partial);
    }
  }
}

/** Makes what has been written safe. @throws MergeError (disk) */
export async function syncPartials({ outputs }: OutputPlaces): Promise<void> {
  await Promise.all(outputs.map(({ partial }) => sync(partial, "r+")));
}

/** Gives the outputs their names, each in one step. What an earlier process has named already stays. @throws MergeError (disk) */
export async function nameOutputs({ outputs, directory }: OutputPlaces, fsync: boolean): Promise<void> {
  for (const { partial, path } of outputs) {
    if ((await sizeOf(partial)) === undefined) continue;
    await rename(partial, path).catch((error: unknown) => Promise.reject(writeError(error, path)));
  }
  if (fsync) for (const folder of new Set([directory, ...outputs.map(({ path }) => dirname(path))])) await sync(folder, "r");
}

/** Removes all that a merge has left that is not published. */
export async function removeTemporaries({ outputs, journal }: OutputPlaces): Promise<void> {
  for (const { partial } of outputs) await rm(partial, { force: true });
  await rm(journal, { force: true });
}

const ABANDONED_MS = 24 * 3600 * 1000;

/** Removes what other merges into the same outputs have left, if nobody has gone on with it for a day and their processes are gone. */
export async function removeAbandoned({ directory, outputs, journal }: OutputPlaces): Promise<void> {
  const names = new Set(outputs.map(({ output }) => output.name));
  const entries = await readdir(directory);
  for (const entry of entries) {
    const [, name = "", key = ""] = /^\.(.+)\.([0-9a-f]{12})\.journal$/.exec(entry) ?? [];
    const path = join(directory, entry);
    if (!names.has(name) || path === journal || !(await isAbandoned(path))) continue;
    for (const other of entries.filter((file) => file.endsWith(`.${key}.partial`))) await rm(join(directory, other), { force: true });
    await rm(path, { force: true });
  }
}

async function isAbandoned(path: string): Promise<boolean> {
  const { mtimeMs } = await stat(path);
  return Date.now() - mtimeMs > ABANDONED_MS && !ownersOf(await readFile(path, "utf8")).some(isAnotherLiving);
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    // Deno has no code for some errors, but it has for this one.
    if (isSystemError(error, "ENOENT")) return undefined;
    throw writeError(error, path);
  }
}

async function sync(path: string, flags: string): Promise<void> {
  try {
    await using file = await open(path, flags);
    await file.sync();
  } catch (error) {
    throw writeError(error, path);
  }
}
