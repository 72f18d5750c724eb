import { type BigIntStats, closeSync, fstatSync, openSync, readSync, writeSync } from "node:fs";
import type { InputFile } from "../plan/types.ts";
import { MergeError, readError, writeError } from "./errors.ts";

/** Input files, read by position. Opened when first read; where they are many, those not read for longest are closed. */
export type InputFiles = Disposable & {
  /** Fills part of a buffer. @throws MergeError (input, changed) */
  read(file: number, offset: number, buffer: Uint8Array, at: number, length: number): void;
};

/** Output files, written by position. They are there already, with their full size. */
export type OutputFiles = Disposable & {
  /** @throws MergeError (disk) */
  write(file: number, offset: number, buffer: Uint8Array, at: number, length: number): void;
};

/** Opens inputs of a merge, at most `most` at a time. */
export function openInputFiles(inputs: readonly InputFile[], most: number): InputFiles {
  const open = new Map<number, number>();

  function descriptor(file: number): number {
    const known = open.get(file);
    if (known !== undefined) {
      // The order of the map is that of the last use; it matters only where some have to be closed.
      if (inputs.length > most) {
        open.delete(file);
        open.set(file, known);
      }
      return known;
    }
    if (open.size >= most) {
      const [oldest, fd] = open.entries().next().value!;
      open.delete(oldest);
      closeSync(fd);
    }
    const input = inputs[file]!;
    let fd: number;
    try {
      fd = openSync(input.path, "r");
    } catch (error) {
      throw readError(error, input.path);
    }
    open.set(file, fd);
    checkIdentity(input, fstatSync(fd, { bigint: true }));
    return fd;
  }

  return {
    read(file, offset, buffer, at, length) {
      const fd = descriptor(file);
      for (let done = 0; done < length; ) {
        const read = readPiece(inputs[file]!, fd, buffer, at + done, length - done, offset + done);
        if (read === 0) {
          const { path, size } = inputs[file]!;
          throw new MergeError("changed", `${path} became shorter while it was read: it ends before byte ${offset + length} of ${size}`, {
            path,
          });
        }
        done += read;
      }
    },
    [Symbol.dispose]() {
      for (const fd of open.values()) closeSync(fd);
      open.clear();
    },
  };
}

function readPiece({ path }: InputFile, fd: number, buffer: Uint8Array, at: number, length: number, position: number): number {
  try {
    return readSync(fd, buffer, at, length, position);
  } catch (error) {
    throw readError(error, path);
  }
}

/** @throws MergeError (changed) unless a file is the one that the merge was planned with */
export function checkIdentity({ path, size, identity }: InputFile, now: BigIntStats): void {
  const isSame = now.dev === identity.device && now.ino === identity.inode && now.mtimeNs === identity.mtimeNs && now.size === BigInt(size);
  if (!isSame)
    throw new MergeError("changed", `${path} is not the file any more that the merge was planned with: it was changed since`, { path });
}

/** Opens outputs when they are first written. */
export function openOutputFiles(paths: readonly string[]): OutputFiles {
  const open = new Map<number, number>();
  return {
    write(file, offset, buffer, at, length) {
      try {
        const fd = open.get(file) ?? openSync(paths[file]!, "r+");
        open.set(file, fd);
        for (let done = 0; done < length; ) done += writeSync(fd, buffer, at + done, length - done, offset + done);
      } catch (error) {
        throw writeError(error, paths[file]!);
      }
    },
    [Symbol.dispose]() {
      for (const fd of open.values()) closeSync(fd);
      open.clear();
    },
  };
}
