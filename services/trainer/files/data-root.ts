import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { digestOfFile, hasErrorCode } from "#libs/files";
import type { Digest } from "#libs/recipes";

/** Files that are on this machine anyway, found by what is in them: where one is and what it is called says nothing. */
export type DataRoot = {
  /** A file with these bytes; undefined where there is none. */
  find(digest: Digest, bytes: number, signal: AbortSignal): Promise<string | undefined>;
};

/**
 * Looks for blobs below a directory. Its files are listed once, when the first is wanted; one is read, whole and once, where its size is
 * that of a wanted blob, first those whose name is the digest. A file that changes its size or time is another one.
 */
export function openDataRoot(directory: string): DataRoot {
  let listed: Promise<ReadonlyMap<number, readonly string[]>> | undefined;
  /** By path, size and time. */
  const digests = new Map<string, Digest>();

  async function digestOf(path: string, bytes: number, signal: AbortSignal): Promise<Digest | undefined> {
    const now = await stat(path).catch(() => undefined);
    if (now?.size !== bytes) return undefined;
    const key = `${path} ${now.size} ${now.mtimeMs}`;
    const known = digests.get(key) ?? (await digestOfFile(path, { signal }));
    digests.set(key, known);
    return known;
  }

  return {
    async find(digest, bytes, signal) {
      listed ??= listFiles(directory);
      const hex = digest.slice("sha256:".length);
      const candidates = (await listed).get(bytes) ?? [];
      const named = candidates.filter((path) => path.endsWith(hex));
      for (const path of [...named, ...candidates.filter((other) => !named.includes(other))]) {
        if ((await digestOf(path, bytes, signal)) === digest) return path;
      }
      // It may have come since: a catalog's own blobs do.
      listed = undefined;
      return undefined;
    },
  };
}

async function listFiles(directory: string): Promise<ReadonlyMap<number, readonly string[]>> {
  const bySize = new Map<number, string[]>();
  // One that is not there yet has no files.
  const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch((error: unknown) => {
    if (hasErrorCode(error, "ENOENT")) return [];
    throw error;
  });
  for (const entry of entries) {
    if (!entry.isFile() && !entry.isSymbolicLink()) continue;
    const path = join(entry.parentPath, entry.name);
    const found = await stat(path).catch(() => undefined);
    if (found?.isFile()) bySize.set(found.size, [...(bySize.get(found.size) ?? []), path]);
  }
  return bySize;
}
