import { basename } from "node:path";
import { type ModelFiles, stemOf } from "#libs/models";

/**
 * What the files of a result are called: as those of the first of these models that is a folder, so that the loader that found its weights
 * finds these.
 * @example
 * ```ts
 * const files = [{ path: "unet/diffusion_pytorch_model-00001-of-00002.safetensors" }];
 * stemFor([{ kind: "folder", files }]); // { stem: "diffusion_pytorch_model" }
 * stemFor([{ kind: "file", files: [{ path: "a.safetensors" }] }]); // {}
 * ```
 */
export function stemFor(models: readonly ModelFiles[]): { readonly stem?: string } {
  const file = models.find(({ kind }) => kind === "folder")?.files[0];
  return file === undefined ? {} : { stem: stemOf(basename(file.path)) };
}
