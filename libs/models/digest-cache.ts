import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { userCache } from "#libs/files";
import { type Digest, isDigest } from "#libs/recipes";
import type { TorchLayout, WeightsFile } from "./types.ts";

/** What tells a file from others; of a file of PyTorch also what was read in it. */
type KnownFile = Pick<WeightsFile, "size" | "identity"> & { readonly torch?: Pick<TorchLayout, "key"> };

/** Digests of files that have been read before, so that they need not be read again. */
export type DigestCache = {
  get(file: KnownFile): Digest | undefined;
  /** Remembers a digest, unless the file changed so lately that a later change could carry the same time. Never throws: it is only a cache. */
  set(file: KnownFile, digest: Digest): void;
  /** The digest that a file had when a merge of this key made it: the first of its files, the second, … */
  made(key: string, index: number): Digest | undefined;
  /** Remembers what a merge has made. Never throws. */
  setMade(key: string, index: number, digest: Digest): void;
};

/** Of both files together: with more in it than half of that, the file takes the place of the older one, and a new one is begun. */
const MAX_BYTES = 4 << 20;

const olderHalf = (path: string) => `${path}.older`;

/**
 * Opens the digests of files by device, inode, size and time of change, and of what merges made by their keys. One line each, appended: several processes may do so at once.
 * A file of it that cannot be read or written is as an empty one.
 */
export function openDigestCache(path: string = userCache("digests")): DigestCache {
  const known = new Map<string, Digest>();
  const lines = [olderHalf(path), path].flatMap((file) => read(file).split("\n").slice(0, -1));
  for (const line of lines) {
    const at = line.lastIndexOf(" ");
    const digest = line.slice(at + 1);
    if (isDigest(digest)) known.set(line.slice(0, at), digest);
  }
  const remember = (key: string, digest: Digest) => {
    if (known.get(key) === digest) return;
    known.set(key, digest);
    append(path, `${key} ${digest}\n`);
  };
  return {
    get: (file) => known.get(keyOf(file)),
    set(file, digest) {
      if (!isYoung(file)) remember(keyOf(file), digest);
    },
    made: (key, index) => known.get(`made ${key} ${index}`),
    setMade: (key, index, digest) => remember(`made ${key} ${index}`, digest),
  };
}

function keyOf({ size, identity: { device, inode, mtimeNs }, torch }: KnownFile): string {
  return `${device} ${inode} ${size} ${mtimeNs}${torch === undefined ? "" : ` ${torch.key}`}`;
}

/**
 * File systems give changes the time of their last tick: a hundredth of a second, or one or two seconds where times are whole seconds.
 * A change within the tick in which the file was read would not be seen.
 */
function isYoung({ identity: { mtimeNs } }: Pick<WeightsFile, "identity">): boolean {
  const age = BigInt(Date.now()) * 1_000_000n - mtimeNs;
  return age < (mtimeNs % 1_000_000_000n === 0n ? 3_000_000_000n : 100_000_000n);
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

function append(path: string, line: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true });
    if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > MAX_BYTES / 2) renameSync(path, olderHalf(path));
    writeFileSync(path, line, { flag: "a", mode: 0o600 });
  } catch {
    // The next process reads the file again, that is all.
  }
}
