import { lstat, readdir } from "node:fs/promises";
import { join, relative } from "node:path";

/** A file below a folder. */
export type FileBelow = {
  /** From the folder on. */
  readonly path: string;
  readonly bytes: number;
  /** Equal for names of one file (hard links). */
  readonly file: string;
};

/** The files below a folder, in the order of their paths. Links are not followed; what goes away meanwhile, or may not be read, is left out. */
export async function filesBelow(folder: string): Promise<FileBelow[]> {
  const found: FileBelow[] = [];
  const folders = [folder];
  for (let next = folders.pop(); next !== undefined; next = folders.pop()) {
    const at = next;
    const entries = await readdir(at, { withFileTypes: true }).catch(() => []);
    folders.push(...entries.flatMap((entry) => (entry.isDirectory() ? [join(at, entry.name)] : [])));
    const files = entries.filter((entry) => entry.isFile()).map((entry) => join(at, entry.name));
    const facts = await Promise.all(files.map((path) => lstat(path).catch(() => undefined)));
    for (const [i, fact] of facts.entries())
      if (fact) found.push({ path: relative(folder, files[i]!), bytes: fact.size, file: `${fact.dev}:${fact.ino}` });
  }
  return found.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** Bytes of the files below a folder, one with several names once; 0 where there is none. */
export async function bytesBelow(folder: string): Promise<number> {
  const sizes = new Map((await filesBelow(folder)).map(({ file, bytes }) => [file, bytes]));
  return [...sizes.values()].reduce((sum, bytes) => sum + bytes, 0);
}
