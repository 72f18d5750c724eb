import { type FileHandle, mkdir, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { asWriteError } from "./errors.ts";

/** Makes the names in a directory durable: without it a renamed file can be gone after a power cut. */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Creates a directory with its parents, durably; `mode` is that of all that are new. Returns whether it was new. */
export async function makeDirectory(directory: string, mode = 0o777): Promise<boolean> {
  const first = await mkdir(directory, { recursive: true, mode });
  if (first === undefined) return false;
  for (let path = directory; path.length >= first.length && path !== dirname(path); path = dirname(path))
    await syncDirectory(dirname(path));
  return true;
}

/** Writes all bytes of a chunk at the file's position: one write may take fewer. */
export async function writeAll(handle: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let done = 0; done < chunk.byteLength; ) {
    const { bytesWritten } = await handle.write(chunk, done, chunk.byteLength - done);
    done += bytesWritten;
  }
}

/** Replaces a small file in one step: readers see the old text or the new. Only its owner can read it. Throws NoSpaceError. */
export async function replaceFile(path: string, text: string): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    // One that was left behind may have another mode.
    await rm(temporary, { force: true });
    const handle = await open(temporary, "wx", 0o600);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
    await syncDirectory(dirname(path));
  } catch (error) {
    await rm(temporary, { force: true });
    throw asWriteError(error, path);
  }
}
