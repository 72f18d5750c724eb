import { closeSync, openSync, readSync } from "node:fs";
import type { ChunkSum } from "./chunk-sum.ts";
import { checkedRoom } from "./finite.ts";
import { createVerification, type Expectation, type Verification, type Verified } from "./verification.ts";

/** A chunk of a file: where it ends, and its sum if it has one. */
export type Chunk = { readonly end: number; readonly sum: ChunkSum | undefined };

/** What the thread is asked: to begin with a file, to look at it as far as it is written, to say what it is, or to forget it. */
export type VerifyUnit =
  | { readonly does: "begin"; readonly id: number; readonly path: string; readonly expectation: Expectation }
  | { readonly does: "look"; readonly id: number; readonly chunks: readonly Chunk[] }
  | { readonly does: "result"; readonly id: number }
  | { readonly does: "forget"; readonly id: number };

/** How far it looked, and at the end what the file is. */
export type VerifyResult = { readonly position: number; readonly verified?: Verified };

/** The thread that knew the file has died. */
export class ForgottenFileError extends Error {
  override readonly name = "ForgottenFileError";
}

type File = { readonly path: string; readonly descriptor: number; readonly verification: Verification };

const READ_BYTES = 1 << 20;

/** Runs in a thread: looks at files behind whoever writes them. What it reads was just written, so it comes from the memory of the system. */
export function setup() {
  const files = new Map<number, File>();

  function look({ path, descriptor, verification }: File, { end, sum }: Chunk): void {
    while (verification.position < end) {
      const { position } = verification;
      // A chunk that has a sum is looked at as a whole.
      const room = checkedRoom(sum ? end - position : Math.min(READ_BYTES, end - position));
      for (let filled = 0; filled < room.length; ) {
        const read = readSync(descriptor, room, filled, room.length - filled, position + filled);
        if (read === 0) throw new Error(`${path} ends at byte ${position + filled} of ${end}`);
        filled += read;
      }
      verification.take(room, sum);
    }
  }

  function forget(id: number): void {
    const file = files.get(id);
    if (file) closeSync(file.descriptor);
    files.delete(id);
  }

  return {
    run(unit: VerifyUnit): VerifyResult {
      if (unit.does === "begin") {
        const { id, path, expectation } = unit;
        files.set(id, { path, descriptor: openSync(path, "r"), verification: createVerification(expectation) });
        return { position: 0 };
      }
      if (unit.does === "forget") {
        forget(unit.id);
        return { position: 0 };
      }
      const file = files.get(unit.id);
      if (file === undefined) throw new ForgottenFileError("another thread had looked at it before");
      const { verification } = file;
      if (unit.does === "look") for (const chunk of unit.chunks) look(file, chunk);
      return unit.does === "result"
        ? { position: verification.position, verified: verification.result() }
        : { position: verification.position };
    },
    close(): void {
      for (const id of files.keys()) forget(id);
    },
  };
}
