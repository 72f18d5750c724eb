import { readFile, stat } from "node:fs/promises";
import { fileDigest, openDigestCache } from "#libs/models";
import type { Digest } from "#libs/recipes";
import { type Output, pathIn } from "./output.ts";
import { existing, type SideFile } from "./side-files.ts";

/** A file of weights that was made. */
export type MadeFile = { readonly name: string; readonly size: number; readonly digest: Digest };

/** Keeps in the user's cache what a merge has made, by its key: for `whatWasMade`. To be called before its last file is published. */
export function rememberMade(key: string, files: readonly MadeFile[]): void {
  const cache = openDigestCache();
  for (const [i, { digest }] of files.entries()) cache.setMade(key, i, digest);
}

/**
 * The weights of an output, if all of it is there already as the same merge has made it: every file beside the weights with just this
 * content, weights with the digests that this user's merge of that key had, and no other weights. Undefined where anything of that is not
 * so, or is not known.
 */
export async function whatWasMade(
  output: Output,
  { key, weights, beside }: { readonly key: string; readonly weights: readonly string[]; readonly beside: readonly SideFile[] },
  signal: AbortSignal,
): Promise<MadeFile[] | undefined> {
  const cache = openDigestCache();
  for (const { name, content } of beside) {
    const found = await readFile(pathIn(output, name)).catch(() => undefined);
    if (found === undefined || !found.equals(Buffer.from(content as string))) return undefined;
  }
  const own = [...weights, ...beside.map(({ name }) => name)];
  if ((await existing(output, [])).some((name) => !own.includes(name))) return undefined;
  const made: MadeFile[] = [];
  for (const [i, name] of weights.entries()) {
    const path = pathIn(output, name);
    const found = await stat(path, { bigint: true }).catch(() => undefined);
    const digest = cache.made(key, i);
    if (!found?.isFile() || digest === undefined) return undefined;
    const file = { path, size: Number(found.size), identity: { device: found.dev, inode: found.ino, mtimeNs: found.mtimeNs } };
    if ((await fileDigest(file, { cache, signal })) !== digest) return undefined;
    made.push({ name, size: file.size, digest });
  }
  return made;
}
