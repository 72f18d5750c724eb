import { type BigIntStats, fstatSync } from "node:fs";
import { openDescriptors, readAt, writeAt } from "#libs/files";
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
  const descriptors = openDescriptors(most);
  return {
    read(file, offset, buffer, at, length) {
      const input = inputs[file]!;
      const { path, size } = input;
      let read: number;
      try {
        const descriptor = descriptors.of(path, "r", (opened) => checkIdentity(input, fstatSync(opened, { bigint: true })));
        read = readAt(descriptor, buffer.subarray(at, at + length), offset);
      } catch (error) {
        throw readError(error, path);
      }
      if (read === length) return;
      throw new MergeError("changed", `${path} became shorter while it was read: it ends before byte ${offset + length} of ${size}`, {
        path,
      });
    },
    [Symbol.dispose]: () => descriptors[Symbol.dispose](),
  };
}

/** @throws MergeError (changed) unless a file is the one that the merge was planned with */
export function checkIdentity({ path, size, identity }: InputFile, now: BigIntStats): void {
  const isSame = now.dev === identity.device && now.ino === identity.inode && now.mtimeNs === identity.mtimeNs && now.size === BigInt(size);
  if (!isSame)
    throw new MergeError("changed", `${path} is not the file any more that the merge was planned with: it was changed since`, { path });
}

/** Opens outputs when they are first written. */
export function openOutputFiles(paths: readonly string[]): OutputFiles {
  const descriptors = openDescriptors(Math.max(1, paths.length));
  return {
    write(file, offset, buffer, at, length) {
      const path = paths[file]!;
      try {
        writeAt(descriptors.of(path, "r+"), buffer.subarray(at, at + length), offset);
      } catch (error) {
        throw writeError(error, path);
      }
    },
    [Symbol.dispose]: () => descriptors[Symbol.dispose](),
  };
}
