import { createHash, type Hash } from "node:crypto";
import { closeSync, openSync, readSync } from "node:fs";

/** What the hash thread is asked: to hash a file as far as it is written, to say the digest so far, or to forget the file. */
export type HashUnit =
  | { readonly does: "follow"; readonly id: number; readonly path: string; readonly to: number }
  | { readonly does: "digest"; readonly id: number }
  | { readonly does: "forget"; readonly id: number };

type Following = { readonly hash: Hash; readonly descriptor: number; position: number };

/** Runs in a thread: hashes files behind whoever writes them. What it reads was just written, so it comes from the memory of the system. */
export function setup() {
  const files = new Map<number, Following>();
  const buffer = new Uint8Array(1 << 20);

  function follow(id: number, path: string, to: number): void {
    let file = files.get(id);
    if (file === undefined) {
      file = { hash: createHash("sha256"), descriptor: openSync(path, "r"), position: 0 };
      files.set(id, file);
    }
    while (file.position < to) {
      const read = readSync(file.descriptor, buffer, 0, Math.min(buffer.length, to - file.position), file.position);
      if (read === 0) throw new Error(`${path} ends at byte ${file.position} of ${to}`);
      file.hash.update(buffer.subarray(0, read));
      file.position += read;
    }
  }

  return {
    run(unit: HashUnit): string {
      if (unit.does === "follow") follow(unit.id, unit.path, unit.to);
      const file = files.get(unit.id);
      if (unit.does === "digest") {
        // Where the thread ended meanwhile and another one took its place.
        if (file === undefined) throw new Error("the hash of the file is lost");
        return file.hash.digest("hex");
      }
      if (unit.does === "forget" && file) {
        closeSync(file.descriptor);
        files.delete(unit.id);
      }
      return "";
    },
    close(): void {
      for (const { descriptor } of files.values()) closeSync(descriptor);
      files.clear();
    },
  };
}
