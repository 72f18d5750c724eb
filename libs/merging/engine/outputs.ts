import { mkdir, open, readdir, readFile, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { digestOfFile, type FileLock, hasErrorCode, LockedError, lockFile, publishFiles, syncFile } from "#libs/files";
import type { MergePlan, OutputFile } from "../plan/types.ts";
import { MergeError, writeError } from "./errors.ts";
import { ownerIn } from "./journal.ts";

/** Where outputs are, and what they are until they are published. */
export type OutputPlaces = {
  readonly directory: string;
  readonly journal: string;
  readonly lock: string;
  readonly outputs: readonly { readonly output: OutputFile; readonly path: string; readonly partial: string }[];
};

/** Names of temporary files: of the outputs, and of the merge's key, so that only the same merge goes on with them. */
export function outputPlaces({ key, outputs }: Pick<MergePlan, "key" | "outputs">, directory: string): OutputPlaces {
  const short = key.replace(/^sha256:/, "").slice(0, 12);
  const hidden = (name: string, end: string) => join(directory, dirname(name), `.${name.slice(name.lastIndexOf("/") + 1)}.${short}.${end}`);
  const first = outputs[0]?.name ?? "merge";
  return {
    directory,
    journal: hidden(first, "journal"),
    lock: hidden(first, "lock"),
    outputs: outputs.map((output) => ({ output, path: join(directory, output.name), partial: hidden(output.name, "partial") })),
  };
}

/** Makes the folder, and the folders of outputs within it. @throws MergeError (disk) */
export async function makeFolders({ directory, outputs }: OutputPlaces): Promise<void> {
  for (const folder of new Set([directory, ...outputs.map(({ path }) => dirname(path))])) {
    await mkdir(folder, { recursive: true }).catch((error: unknown) => Promise.reject(writeError(error, folder)));
  }
}

/** Takes a merge for this caller, who alone touches its temporary files from now on. @throws MergeError (busy) if another has it; (disk) */
export async function lockMerge({ lock, journal }: OutputPlaces): Promise<FileLock> {
  try {
    return await lockFile(lock);
  } catch (error) {
    if (!(error instanceof LockedError)) throw writeError(error, lock);
    const owner = ownerIn(await readFile(journal, "utf8").catch(() => ""));
    // The number means nothing to those who read it in another container.
    const who = owner === undefined ? "another process" : owner.pid === process.pid ? "this process" : `another process (${owner.pid})`;
    throw new MergeError("busy", `${who} is making the same merge (${journal})`, { path: journal });
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
  await Promise.all(outputs.map(({ partial }) => syncFile(partial).catch((error: unknown) => Promise.reject(writeError(error, partial)))));
}

/** Whether every output of a merge is there that was all but published: under its temporary name, or under its own with these digests. */
export async function areThere({ outputs }: OutputPlaces, digests: readonly string[]): Promise<boolean> {
  for (const [i, { output, path, partial }] of outputs.entries()) {
    if ((await sizeOf(partial)) === output.size) continue;
    if ((await sizeOf(path)) !== output.size || (await digestOfFile(path)) !== digests[i]) return false;
  }
  return true;
}

/** Gives the outputs their names, each in one step; all that still have their temporary ones if `resumed`. @throws MergeError (disk) */
export async function nameOutputs({ outputs }: OutputPlaces, { fsync, resumed }: { fsync: boolean; resumed: boolean }): Promise<void> {
  const files = [];
  for (const { partial: from, path: to } of outputs) if (!resumed || (await sizeOf(from)) !== undefined) files.push({ from, to });
  await publishFiles(files, { fsync }).catch((error: unknown) => Promise.reject(writeError(error, outputs[0]!.path)));
}

/** Removes all that a merge has left that is not published. */
export async function removeTemporaries({ outputs, journal }: OutputPlaces): Promise<void> {
  for (const { partial } of outputs) await rm(partial, { force: true });
  await rm(journal, { force: true });
}

const ABANDONED_MS = 24 * 3600 * 1000;

/**
 * Removes what other merges into the same outputs have left, if nobody has gone on with it for a day and nobody has it now. The lock of one
 * that was killed before it had a journal goes at once: there is nothing to go on with.
 */
export async function removeAbandoned({ directory, outputs, journal }: OutputPlaces): Promise<void> {
  const names = new Set(outputs.map(({ output }) => output.name));
  const entries = await readdir(directory);
  for (const entry of entries) {
    const [, name = "", key = "", end] = /^\.(.+)\.([0-9a-f]{12})\.(journal|lock)$/.exec(entry) ?? [];
    const itsJournal = `.${name}.${key}.journal`;
    if (!names.has(name) || join(directory, itsJournal) === journal) continue;
    // Where there is a journal, it says when anybody went on with the merge.
    if (end === "lock" && entries.includes(itsJournal)) continue;
    const isForgotten = await isOld(join(directory, entry));
    if (end === "journal" && !isForgotten) continue;
    using lock = await lockFile(join(directory, `.${name}.${key}.lock`), { patienceMs: 0 }).catch(() => undefined);
    if (lock === undefined || !isForgotten) continue;
    for (const other of entries.filter((file) => file.endsWith(`.${key}.partial`))) await rm(join(directory, other), { force: true });
    await rm(join(directory, itsJournal), { force: true });
  }
}

async function isOld(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found !== undefined && Date.now() - found.mtimeMs > ABANDONED_MS;
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (hasErrorCode(error, "ENOENT")) return undefined;
    throw writeError(error, path);
  }
}
