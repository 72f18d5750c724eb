import { openDescriptors, readAt, writeAt } from "#libs/files";
import { SumsError } from "./errors.ts";

/** Files that are read and written by position, opened when first used; the ones that were not used for longest are closed first. */
export type OpenFiles = Disposable & {
  /** Fills `bytes` from `offset`. @throws SumsError (changed) where the file ends too early */
  read(path: string, offset: number, bytes: Uint8Array): void;
  write(path: string, offset: number, bytes: Uint8Array): void;
};

export function openFiles(): OpenFiles {
  const descriptors = openDescriptors();
  return {
    read(path, offset, bytes) {
      const read = readAt(descriptors.of(path, "r"), bytes, offset);
      if (read < bytes.length) throw new SumsError("changed", `${path} became shorter while it was read: it ends at byte ${offset + read}`);
    },
    write: (path, offset, bytes) => writeAt(descriptors.of(path, "r+"), bytes, offset),
    [Symbol.dispose]: () => descriptors[Symbol.dispose](),
  };
}
