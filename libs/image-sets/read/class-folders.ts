import { join } from "node:path";
import { counted, quote } from "#libs/text";
import type { ImageGroup } from "../types.ts";
import { type Classes, isKnownClass } from "./classes.ts";
import type { Entries } from "./entries.ts";
import type { Findings } from "./findings.ts";
import { imagesBelow, isGoodName, takesImage } from "./walk.ts";

/** The classes of a domain, and the images in no class. */
export type Domain = { readonly groups: readonly ImageGroup[]; readonly loose: number };

/** Reads a domain whose folders are classes. */
export async function readClassFolders(
  directory: string,
  domain: string,
  { folders, files, hidden, brokenLinks }: Entries,
  classes: Classes,
  findings: Findings,
): Promise<Domain> {
  const groups: ImageGroup[] = [];
  for (const name of folders) {
    const folder = join(directory, name);
    if (!isGoodName(directory, name, findings) || !isKnownClass(name, classes, folder, findings)) continue;
    const names = await imagesBelow(folder, findings);
    groups.push({ domain, class: name, names, contentOf: (image) => ({ path: join(folder, image) }) });
  }
  const loose = files.filter((name) => takesImage(directory, name, findings)).length;
  for (const name of hidden) findings.leftOut(name);
  for (const name of brokenLinks)
    findings.report("warning", "link", `${quote(join(directory, name))} is a link to nothing, or to a folder above it: it was left out`);
  if (loose > 0 && groups.some(({ names }) => names.length > 0)) {
    findings.report(
      "warning",
      "images-in-domain",
      `${counted(loose, "image")} right in ${quote(directory)}, in no folder of a class, ${loose === 1 ? "was" : "were"} left out`,
    );
  }
  return { groups, loose };
}
