import { join } from "node:path";
import { quote } from "#libs/text";
import { entriesOf } from "./entries.ts";
import { isForeignImage, storedExtension } from "./extensions.ts";
import type { Findings } from "./findings.ts";

/** Folders below each other that are looked into. Links may lead round in a circle. */
const MOST_LEVELS = 16;

/**
 * Names of all images in a folder and the folders in it, with "/" between them, in the order of code units. What else is there is told to
 * `findings`. Symbolic links are followed.
 */
export async function imagesBelow(directory: string, findings: Findings): Promise<string[]> {
  const names: string[] = [];
  await walk(directory, "", MOST_LEVELS, names, findings);
  return names.sort();
}

async function walk(directory: string, prefix: string, levels: number, names: string[], findings: Findings): Promise<void> {
  const { folders, files, hidden, brokenLinks } = await entriesOf(directory);
  for (const name of files) {
    if (takesImage(directory, name, findings)) names.push(`${prefix}${name}`);
  }
  for (const name of hidden) findings.leftOut(`${prefix}${name}`);
  for (const name of brokenLinks) {
    findings.report("warning", "link", `${quote(join(directory, name))} is a link to nothing, or to a folder above it: it was left out`);
  }
  for (const name of folders) {
    if (levels > 1) await walk(join(directory, name), `${prefix}${name}/`, levels - 1, names, findings);
    else findings.report("warning", "link", `${quote(join(directory, name))} lies ${MOST_LEVELS} folders deep: it was left out`);
  }
}

/** Whether a file is taken for an image, by its name; says why where it looks like one and is not taken. */
export function takesImage(directory: string, name: string, findings: Findings): boolean {
  if (storedExtension(name) === undefined) {
    if (isForeignImage(name)) {
      const path = quote(join(directory, name));
      findings.report("warning", "left-out", `${path} was left out: images are read as JPEG, PNG, WebP, GIF, TIFF or AVIF`);
    } else findings.leftOut(name);
    return false;
  }
  return isGoodName(directory, name, findings);
}

/** Names that are not Unicode, or move the cursor, cannot be written into a shard or shown. */
export function isGoodName(directory: string, name: string, findings: Findings): boolean {
  if (name.isWellFormed() && !/[\uFFFD\p{Cc}]/u.test(name)) return true;
  findings.report("error", "name", `${quote(join(directory, name))}: a name has to be Unicode without control characters; rename it`);
  return false;
}
