import { closeSync, openSync, readSync, writeSync } from "node:fs";
import { SumsError } from "./errors.ts";

/** Files that are read and written by position, opened when first used; the ones that were not used for longest are closed first. */
export type OpenFiles = Disposable & {
  /** Fills `bytes` from `offset`. @throws SumsError (changed) where the file ends too early */
  read(path: string, offset: number, bytes: Uint8Array): void;
  write(path: string, offset: number, bytes: Uint8Array): void;
};

/** Leaves descriptors to the other threads and to the rest of the process. */
const MOST_OPEN = 64;

export function openFiles(): OpenFiles {
  const open = new Map<string, number>();

  function descriptor(path: string, flags: string): number {
    const key = `${flags} ${path}`;
    const known = open.get(key);
    if (known !== undefined) {
      open.delete(key);
      open.set(key, known);
      return known;
    }
    if (open.size >= MOST_OPEN) {
      const [oldest, fd] = open.entries().next().value!;
      open.delete(oldest);
      closeSync(fd);
    }
    const fd = openSync(path, flags);
    open.set(key, fd);
    return fd;
  }

  return {
    read(path, offset, bytes) {
      const fd = descriptor(path, "r");
      for (let done = 0; done < bytes.length; ) {
        const read = readSync(fd, bytes, done, bytes.length - done, offset + done);
        if (read === 0) throw new SumsError("changed", `${path} became shorter while it was read: it ends at byte ${offset + done}`);
        done += read;
      }
    },
    write(path, offset, bytes) {
      const fd = descriptor(path, "r+");
      for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done, bytes.length - done, offset + done);
    },
    [Symbol.dispose]() {
      for (const fd of open.values()) closeSync(fd);
      open.clear();
    },
  };
}
