import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { createLimit } from "#libs/concurrency";
import { digestOfFile, hasErrorCode } from "#libs/files";
import type { Digest } from "#libs/recipes";

/** Files that are on this machine anyway, found by what is in them: where one is and what it is called says nothing. */
export type DataRoot = {
  /** A file with these bytes; undefined where there is none. */
  find(digest: Digest, bytes: number, signal: AbortSignal): Promise<string | undefined>;
};

const HEX_DIGITS = 64;

/** Files by size that nobody has looked into, each at most once, and those whose names end in a digest. */
type Listing = { readonly bySize: ReadonlyMap<number, string[]>; readonly named: ReadonlyMap<string, string> };

/**
 * Looks for blobs below a directory. Its files are listed once, when the first is wanted; one is read, whole and once, where its size is
 * that of a wanted blob, first that whose name is the digest. A file that changes its size or time is another one.
 */
export function openDataRoot(directory: string): DataRoot {
  let listed: Promise<Listing> | undefined;
  /** By path, size and time. */
  const digests = new Map<string, Digest>();
  const places = new Map<Digest, string>();
  // Files are looked into one after another: a search that comes while another has one open may want that one.
  const turn = createLimit(1);

  async function holds(path: string, digest: Digest, bytes: number, signal: AbortSignal): Promise<boolean> {
    const now = await stat(path).catch(() => undefined);
    if (now?.size !== bytes) return false;
    const key = `${path} ${now.size} ${now.mtimeMs}`;
    const found = digests.get(key) ?? (await digestOfFile(path, { signal }));
    digests.set(key, found);
    places.set(found, path);
    return found === digest;
  }

  async function search(digest: Digest, bytes: number, signal: AbortSignal): Promise<string | undefined> {
    listed ??= listFiles(directory);
    const { bySize, named } = await listed;
    for (const path of [places.get(digest), named.get(digest.slice("sha256:".length))])
      if (path !== undefined && (await holds(path, digest, bytes, signal))) return path;
    const fresh = bySize.get(bytes) ?? [];
    for (let path = fresh.at(-1); path !== undefined; path = fresh.at(-1)) {
      const isIt = await holds(path, digest, bytes, signal);
      fresh.pop();
      if (isIt) return path;
    }
    // It may have come since: a catalog's own blobs do.
    listed = undefined;
    return undefined;
  }

  return { find: (digest, bytes, signal) => turn(() => search(digest, bytes, signal)) };
}

async function listFiles(directory: string): Promise<Listing> {
  const bySize = new Map<number, string[]>();
  const named = new Map<string, string>();
  // One that is not there yet has no files.
  const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch((error: unknown) => {
    if (hasErrorCode(error, "ENOENT")) return [];
    throw error;
  });
  for (const entry of entries) {
    if (!entry.isFile() && !entry.isSymbolicLink()) continue;
    const path = join(entry.parentPath, entry.name);
    const found = await stat(path).catch(() => undefined);
    if (!found?.isFile()) continue;
    named.set(path.slice(-HEX_DIGITS), path);
    const same = bySize.get(found.size);
    if (same) same.push(path);
    else bySize.set(found.size, [path]);
  }
  return { bySize, named };
}
