import { readdir, realpath, stat } from "node:fs/promises";
import { join } from "node:path";
import { hasErrorCode } from "#libs/files";

/** What is in a folder. Names are in the order of code units, on every machine; those that begin with a dot are hidden. */
export type Entries = {
  readonly folders: readonly string[];
  readonly files: readonly string[];
  readonly hidden: readonly string[];
  /** Links that lead nowhere, or to a folder above them. */
  readonly brokenLinks: readonly string[];
};

/** Lists a folder. Links count as what they lead to. @throws what the operating system says */
export async function entriesOf(directory: string): Promise<Entries> {
  const [folders, files, hidden, brokenLinks]: [string[], string[], string[], string[]] = [[], [], [], []];
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    const { name } = entry;
    if (name.startsWith(".")) hidden.push(name);
    else if (entry.isFile()) files.push(name);
    else if (entry.isDirectory()) folders.push(name);
    else {
      // A link, or a file system that does not say what it has.
      const kind = await kindOf(directory, name);
      (kind === "file" ? files : kind === "folder" ? folders : kind === "broken" ? brokenLinks : hidden).push(name);
    }
  }
  // Without an argument, sort compares code units.
  for (const names of [folders, files, hidden, brokenLinks]) names.sort();
  return { folders, files, hidden, brokenLinks };
}

async function kindOf(directory: string, name: string): Promise<"file" | "folder" | "broken" | "other"> {
  const path = join(directory, name);
  try {
    const found = await stat(path);
    if (found.isFile()) return "file";
    if (!found.isDirectory()) return "other";
    const [target, here] = await Promise.all([realpath(path), realpath(directory)]);
    return here === target || here.startsWith(`${target}/`) ? "broken" : "folder";
  } catch (error) {
    if (hasErrorCode(error, "ENOENT", "ELOOP")) return "broken";
    throw error;
  }
}
