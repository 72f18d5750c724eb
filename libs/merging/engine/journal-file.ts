import { open, readFile } from "node:fs/promises";
import { hasErrorCode } from "#libs/files";
import { writeError } from "./errors.ts";
import { encodeEntry, firstEntry, type JournalEntry, type Journalled, parseJournal, toRanges } from "./journal.ts";

/** The journal of a merge under way. */
export type JournalFile = AsyncDisposable & {
  /** What an earlier process has left; undefined where there is nothing to go on with. */
  readonly known: Journalled | undefined;
  /** Forgets what was known: all begins anew. */
  restart(): Promise<void>;
  /** A unit has been written. It is journalled with others, when their bytes are safe. */
  done(unit: number): void;
  /** What has been done since the last time, after the outputs have been synced. Called every now and then; does nothing most of the time. */
  tick(): void;
  /** Waits until all that is done is in the journal. */
  flush(): Promise<void>;
  /** One entry, now, synced. What units have written must be safe already if the entry says so. */
  write(entry: JournalEntry): Promise<void>;
};

export type JournalOptions = {
  readonly path: string;
  readonly key: string;
  readonly units: number;
  /** Makes what has been written to the outputs safe. */
  readonly sync: () => Promise<void>;
  readonly fsync: boolean;
  readonly intervalMs: number;
};

/** Opens or begins a journal. The caller holds the lock of the merge: nobody else writes it. @throws MergeError (disk) */
export async function openJournal(options: JournalOptions): Promise<JournalFile> {
  const { path, key, units, sync, fsync, intervalMs } = options;
  const handle = await open(path, "a+").catch((error: unknown) => Promise.reject(writeError(error, path)));
  try {
    let known = parseJournal(await readFile(path, "utf8"), key, units);
    // A last line that was cut off would spoil the next one.
    if (known === undefined) await begin();
    else await append("\n");
    await append(encodeEntry({ owner: { pid: process.pid } }));

    const pending = new Set<number>();
    let last = performance.now();
    let working: Promise<void> | undefined;
    let failure: Error | undefined;

    async function begin(): Promise<void> {
      await handle.truncate(0);
      await append(encodeEntry(firstEntry(key, units)));
    }

    async function append(text: string): Promise<void> {
      try {
        await handle.appendFile(text);
        if (fsync) await handle.datasync();
      } catch (error) {
        throw writeError(error, path);
      }
    }

    async function writeDone(): Promise<void> {
      const units = [...pending];
      pending.clear();
      if (units.length === 0) return;
      if (fsync) await sync();
      await append(encodeEntry({ done: toRanges(units) }));
      last = performance.now();
    }

    return {
      get known() {
        return known;
      },
      async restart() {
        if (known === undefined) return;
        known = undefined;
        await begin();
        await append(encodeEntry({ owner: { pid: process.pid } }));
      },
      done: (unit) => void pending.add(unit),
      tick() {
        if (failure) throw failure;
        if (working || performance.now() - last < intervalMs) return;
        working = writeDone()
          .catch((error: Error) => {
            failure = error;
          })
          .finally(() => {
            working = undefined;
          });
      },
      async flush() {
        await working;
        if (failure) throw failure;
        await writeDone();
      },
      async write(entry) {
        await working;
        await append(encodeEntry(entry));
      },
      async [Symbol.asyncDispose]() {
        await working;
        await handle.close();
      },
    };
  } catch (error) {
    await handle.close();
    throw hasErrorCode(error, "EISDIR") ? writeError(error, path) : error;
  }
}
