import { createHash } from "node:crypto";
import { openThreads, type Threads } from "#libs/threads";
import type { HashUnit } from "./hash-thread.ts";

/** The sha-256 of a file that is being written. */
export type FileHash = AsyncDisposable & {
  /** The next bytes, in the order of the file. They are not kept. */
  update(bytes: Uint8Array): void;
  /** So many bytes are in the file by now. */
  written(length: number): void;
  /** The digest of the whole file, all of which is written. */
  digest(): Promise<string>;
};

/** Makes hashes of files that are being written. */
export type Hashes = AsyncDisposable & { of(file: { readonly path: string; readonly size: number }): FileHash };

/** The thread is told of progress in steps of this. */
const STEP_BYTES = 2 << 20;

const THREAD = new URL("hash-thread.ts", import.meta.url);

/**
 * Large files are hashed by a thread of their own, which reads them behind their writer: sha-256 takes as long as receiving does, and the
 * event loop has other senders. The thread starts with the first file of more than `smallBytes`.
 */
export function createHashes(smallBytes: number): Hashes {
  let thread: Threads<HashUnit, string> | undefined;
  let next = 0;

  function follow(path: string): FileHash {
    thread ??= openThreads<HashUnit, string>({ module: THREAD, setup: undefined, threads: 1 });
    const { run } = thread;
    const id = next++;
    let told = 0;
    let last: Promise<unknown> = Promise.resolve();
    const tell = (to: number) => {
      told = to;
      last = run({ does: "follow", id, path, to });
      // The digest says it too.
      last.catch(() => undefined);
    };
    let length = 0;
    return {
      update: () => {},
      written(to) {
        length = to;
        if (to - told >= STEP_BYTES) tell(to);
      },
      async digest() {
        tell(length);
        await last;
        return run({ does: "digest", id });
      },
      async [Symbol.asyncDispose]() {
        await run({ does: "forget", id }).catch(() => undefined);
      },
    };
  }

  return {
    of: ({ path, size }) => (size <= smallBytes ? inline() : follow(path)),
    [Symbol.asyncDispose]: async () => thread?.[Symbol.asyncDispose](),
  };
}

function inline(): FileHash {
  const hash = createHash("sha256");
  return {
    update: (bytes) => void hash.update(bytes),
    written: () => {},
    digest: async () => hash.digest("hex"),
    [Symbol.asyncDispose]: async () => {},
  };
}
