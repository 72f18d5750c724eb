import { mkdir, open } from "node:fs/promises";
import { dirname } from "node:path";
import { hasErrorCode } from "./errors.ts";

/** Waits until the disk has all bytes of a file. */
export async function syncFile(path: string): Promise<void> {
  await using file = await open(path, "r+");
  await file.sync();
}

/**
 * Makes the names in a directory durable: without it a renamed file can be gone after a power cut. Does nothing where that cannot be asked
 * for: Windows and some file systems have no such thing, and a directory that may be written but not read cannot be opened.
 */
export async function syncDirectory(directory: string): Promise<void> {
  try {
    await using handle = await open(directory, "r");
    await handle.sync();
  } catch (error) {
    if (!hasErrorCode(error, "EISDIR", "EPERM", "EACCES", "EINVAL", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EBADF")) throw error;
  }
}

/**
 * Creates a directory with its parents, durably; `mode` is that of all that are new. Returns whether it was new.
 * @example
 * ```ts
 * import { temporaryDirectory } from "#libs/testing";
 * await using directory = await temporaryDirectory();
 * await makeDirectory(directory.join("a", "b")); // true
 * await makeDirectory(directory.join("a", "b")); // false
 * ```
 */
export async function makeDirectory(directory: string, mode = 0o777): Promise<boolean> {
  const first = await mkdir(directory, { recursive: true, mode });
  if (first === undefined) return false;
  for (let path = directory; path.length >= first.length && path !== dirname(path); path = dirname(path))
    await syncDirectory(dirname(path));
  return true;
}
