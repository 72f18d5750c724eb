import { stat } from "node:fs/promises";
import { openDigestCache } from "#libs/models";
import type { Digest } from "#libs/recipes";
import { type Output, pathIn } from "./output.ts";

/** What is merged next often begins with what was written now: its digests need not be computed again. */
export async function rememberDigests(
  files: readonly { readonly name: string; readonly size: number; readonly digest: Digest }[],
  output: Output,
): Promise<void> {
  const cache = openDigestCache();
  for (const { name, size, digest } of files) {
    const { dev: device, ino: inode, mtimeNs } = await stat(pathIn(output, name), { bigint: true });
    cache.set({ size, identity: { device, inode, mtimeNs } }, digest);
  }
}
