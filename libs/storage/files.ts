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

/** Creates a directory with its parents, durably. Returns whether it was new. */
export async function makeDirectory(directory: string): Promise<boolean> {
  const first = await mkdir(directory, { recursive: true });
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

/** Replaces a small file in one step: readers see the old text or the new. Throws NoSpaceError. */
export async function replaceFile(path: string, text: string): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    const handle = await open(temporary, "w");
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
