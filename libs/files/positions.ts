import { readSync, writeSync } from "node:fs";
import type { FileHandle } from "node:fs/promises";

/** Node and Deno refuse to read or write 2 GiB at once, and Linux does no more than that. */
const PIECE_BYTES = 1 << 30;

/** Fills `bytes` with what a file has from `position`. Returns how many there are: fewer at the end of the file. */
export function readAt(descriptor: number, bytes: Uint8Array, position: number): number {
  for (let done = 0; done < bytes.length; ) {
    const read = readSync(descriptor, bytes, done, Math.min(PIECE_BYTES, bytes.length - done), position + done);
    if (read === 0) return done;
    done += read;
  }
  return bytes.length;
}

/** As readAt, without holding up the event loop. */
export async function readFrom(file: FileHandle, bytes: Uint8Array, position: number): Promise<number> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesRead } = await file.read(bytes, done, Math.min(PIECE_BYTES, bytes.length - done), position + done);
    if (bytesRead === 0) return done;
    done += bytesRead;
  }
  return bytes.length;
}

/** Writes all of `bytes` at `position`: one write may take fewer. */
export function writeAt(descriptor: number, bytes: Uint8Array, position: number): void {
  for (let done = 0; done < bytes.length; )
    done += writeSync(descriptor, bytes, done, Math.min(PIECE_BYTES, bytes.length - done), position + done);
}

/** As writeAt, without holding up the event loop. Where no position is given, it goes on where the last write ended. */
export async function writeTo(file: FileHandle, bytes: Uint8Array, position?: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const at = position === undefined ? null : position + done;
    done += (await file.write(bytes, done, Math.min(PIECE_BYTES, bytes.length - done), at)).bytesWritten;
  }
}
