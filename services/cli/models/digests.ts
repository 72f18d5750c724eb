import { digestsOf } from "#libs/model-folders";
import type { ModelFiles } from "#libs/models";
import type { Digest } from "#libs/recipes";
import { counted } from "#libs/text";
import type { CommandContext } from "../context.ts";
import { showReading } from "./reading-display.ts";

export type DigestingOptions = { readonly threads?: number; readonly quiet?: boolean };

/** The digests of models, with a line that says how far their reading is. @throws ModelError if a file is no longer the one that was opened */
export async function showDigests(
  models: readonly ModelFiles[],
  { threads, quiet = false }: DigestingOptions,
  { signal, stderr }: CommandContext,
): Promise<Digest[]> {
  try {
    const onReading = (files: number) => showReading(`hashing ${counted(files, "file")}`, stderr, quiet);
    return await digestsOf(models, { threads, signal, onReading });
  } catch (error) {
    if (signal.aborted) stderr.write("interrupted; nothing was written\n");
    throw error;
  }
}
