import { basename } from "node:path";
import { type ModelFiles, stemOf } from "#libs/models";

/**
 * What the files of a result are called: as those of the first of these models that is a folder, so that the loader that found its weights
 * finds these.
 */
export function stemFor(models: readonly ModelFiles[]): { readonly stem?: string } {
  const file = models.find(({ kind }) => kind === "folder")?.files[0];
  return file === undefined ? {} : { stem: stemOf(basename(file.path)) };
}
