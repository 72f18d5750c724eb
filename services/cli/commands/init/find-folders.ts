import { opendir, readdir } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { storedExtension } from "#libs/image-sets";

/** Of a folder that has more in it no others are looked for: a comment names a few. */
const MOST_SIBLINGS = 100;
/** Names of a class that are looked at for one of an image. */
const MOST_NAMES = 20;

/** Folders beside one of images that have its form, domain/class/image, by their first domain and class; a folder of thousands costs no more. */
export async function findSiblings(folder: string): Promise<string[]> {
  const parent = dirname(resolve(folder));
  const beside = (await foldersIn(parent)).filter((name) => name !== basename(resolve(folder)));
  if (beside.length > MOST_SIBLINGS) return [];
  const found: string[] = [];
  for (const name of beside) if (await isOfImages(join(parent, name))) found.push(join(parent, name));
  return found;
}

async function isOfImages(folder: string): Promise<boolean> {
  const [domain] = await foldersIn(folder);
  const [label] = domain === undefined ? [] : await foldersIn(join(folder, domain));
  if (domain === undefined || label === undefined) return false;
  let names = 0;
  try {
    for await (const entry of await opendir(join(folder, domain, label))) {
      if (entry.isFile() && storedExtension(entry.name) !== undefined) return true;
      if (++names === MOST_NAMES) return false;
    }
  } catch {
    // What may not be read is nothing to suggest.
  }
  return false;
}

async function foldersIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  return entries.flatMap((entry) => (entry.isDirectory() && !entry.name.startsWith(".") ? [entry.name] : [])).sort();
}
