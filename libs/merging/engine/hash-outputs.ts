import { createHash } from "node:crypto";
import { closeSync, openSync, readSync } from "node:fs";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Digest } from "#libs/recipes";
import { readError } from "./errors.ts";
import { bytesOf, type Span } from "./spans.ts";
import type { Unit } from "./units.ts";

/** A file to be hashed while it is written: `ready` bytes from its beginning are final. */
export type Growing = { readonly path: string; readonly size: number; ready(): number };

/** Digests of files that others are writing, made beside their work: in the order of the bytes, as far as these are final. */
export type OutputHashes = Disposable & {
  /** Some more bytes are final, maybe. */
  advance(): void;
  /** The digests, when all is hashed: to be asked for when everything is final. */
  digests(): Promise<Digest[]>;
};

const PIECE_BYTES = 1 << 20;
/** Bytes hashed between two turns of the event loop: about two milliseconds. */
const TURN_BYTES = 4 << 20;

export function hashOutputs(files: readonly Growing[]): OutputHashes {
  const buffer = new Uint8Array(PIECE_BYTES);
  const states = files.map((file) => ({ file, hash: createHash("sha256"), done: 0, fd: -1 }));
  let working: Promise<void> | undefined;
  let failure: unknown;
  let closed = false;

  function close(state: (typeof states)[number]): void {
    const { fd } = state;
    // Its number is another file's as soon as it is closed.
    state.fd = -1;
    if (fd >= 0) closeSync(fd);
  }

  async function hashWhatIsReady(): Promise<void> {
    let turn = 0;
    for (const state of states) {
      const { path, size, ready } = state.file;
      for (let end = ready(); state.done < end && !closed; end = ready()) {
        if (state.fd < 0) state.fd = openSync(path, "r");
        const read = readSync(state.fd, buffer, 0, Math.min(PIECE_BYTES, end - state.done), state.done);
        if (read === 0) throw new Error("it ends too early");
        state.hash.update(read === PIECE_BYTES ? buffer : buffer.subarray(0, read));
        state.done += read;
        turn += read;
        if (turn < TURN_BYTES) continue;
        turn = 0;
        await nextTurn();
      }
      if (state.done === size) close(state);
    }
  }

  function advance(): void {
    if (working || failure || closed) return;
    working = hashWhatIsReady()
      .catch((error: unknown) => {
        failure = error;
      })
      .finally(() => {
        working = undefined;
      });
  }

  return {
    advance,
    async digests() {
      // The first pass may have begun before the last bytes were final.
      for (let pass = 0; pass < 2; pass++) {
        await working;
        advance();
      }
      await working;
      if (failure) throw readError(failure, files[0]?.path ?? "the output");
      return states.map(({ hash }): Digest => `sha256:${hash.digest("hex")}`);
    },
    [Symbol.dispose]() {
      closed = true;
      states.forEach(close);
    },
  };
}

/** How far each output is final: its header is, and what units have written without a gap. */
export function createFrontier(
  outputs: readonly { readonly size: number; readonly header: Uint8Array }[],
  spans: readonly Span[],
  units: readonly Unit[],
) {
  const pieces = units.flatMap(({ index, pieces: ranges }) =>
    ranges.map(({ span, first }) => {
      const { tensor } = spans[span]!;
      return { file: tensor.file, begin: tensor.offset + bytesOf(tensor.dtype, first), unit: index };
    }),
  );
  return frontierOf(
    outputs.map(({ size }) => size),
    pieces,
  );
}

/** How far files of these sizes are final, of which units write pieces; what is in no piece is final from the beginning. */
export function frontierOf(
  sizes: readonly number[],
  pieces: Iterable<{ readonly file: number; readonly begin: number; readonly unit: number }>,
) {
  const lists = sizes.map(() => [] as { readonly begin: number; readonly unit: number }[]);
  for (const piece of pieces) lists[piece.file]!.push(piece);
  for (const list of lists) list.sort((a, b) => a.begin - b.begin);
  const next = sizes.map(() => 0);
  const done = new Set<number>();
  return {
    add: (unit: number) => void done.add(unit),
    /** Bytes from the beginning of a file that nobody writes any more. */
    ready(file: number): number {
      const list = lists[file]!;
      while (next[file]! < list.length && done.has(list[next[file]!]!.unit)) next[file]! += 1;
      return list[next[file]!]?.begin ?? sizes[file]!;
    },
  };
}
