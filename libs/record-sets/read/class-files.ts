import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { entriesOf, type Findings, isGoodName, storedExtension } from "#libs/image-sets";
import { quote } from "#libs/text";
import type { ReadRow } from "./rows.ts";

/** Folders below each other that are looked into. Links may lead round in a circle. */
const MOST_LEVELS = 16;

/** The records of a domain whose folders are classes: each file in them is one, whatever its type. */
export async function* classFiles(directory: string, findings: Findings): AsyncGenerator<ReadRow, void, undefined> {
  const { folders, files, hidden } = await entriesOf(directory);
  for (const name of [...files, ...hidden]) findings.leftOut(name);
  for (const label of folders) {
    if (!isGoodName(directory, label, findings)) continue;
    const names: string[] = [];
    await walk(join(directory, label), "", MOST_LEVELS, names, findings);
    for (const name of names.sort()) {
      const path = join(directory, label, name);
      const bytes = statSync(path).size;
      if (bytes === 0) yield { where: quote(path), wrong: "is empty: it has 0 bytes", kind: "empty-file" };
      else yield { class: label, name, bytes, content: () => readFileSync(path) };
    }
  }
}

async function walk(directory: string, prefix: string, levels: number, names: string[], findings: Findings): Promise<void> {
  const { folders, files, hidden, brokenLinks } = await entriesOf(directory);
  for (const name of files) {
    const path = quote(join(directory, name));
    if (storedExtension(name) !== undefined)
      findings.report(
        "error",
        "mixed",
        `${path} is an image among records: a data set is of images (\`images\` in a run file) or of records`,
      );
    else if (isGoodName(directory, name, findings)) names.push(`${prefix}${name}`);
  }
  for (const name of hidden) findings.leftOut(`${prefix}${name}`);
  for (const name of brokenLinks)
    findings.report("warning", "link", `${quote(join(directory, name))} is a link to nothing, or to a folder above it: it was left out`);
  for (const name of folders)
    if (levels > 1) await walk(join(directory, name), `${prefix}${name}/`, levels - 1, names, findings);
    else findings.report("warning", "link", `${quote(join(directory, name))} lies ${MOST_LEVELS} folders deep: it was left out`);
}
