import { AsyncLocalStorage } from "node:async_hooks";
import type { Transaction } from "kysely";
import type { Database } from "./types.ts";

/** Runs pieces of work in transactions of a database; what is asked for while one commits shares the next. */
export type Batcher<DB> = {
  /** @param options.sync whether the piece waits until the disk has it: see `Database.transaction`. By default it does. */
  <T>(work: (tx: Transaction<DB>) => Promise<T>, options?: { readonly sync?: boolean }): Promise<T>;
  /** Resolves when nothing is left to do. */
  idle(): Promise<void>;
};

type Job<DB> = {
  readonly work: (tx: Transaction<DB>) => Promise<unknown>;
  readonly sync: boolean;
  readonly resolve: (value: never) => void;
  readonly reject: (reason: unknown) => void;
};

/** At most so many pieces share a transaction, so that the first does not wait long for the last. */
const MAX_BATCH = 64;

/**
 * Makes a batcher: one sync to the disk serves many small writes. Pieces run in the order in which they were asked for, each in the context
 * (the trace above all) of who asked. If one fails, each of its transaction is run again alone: pieces do nothing but read and write.
 * @example
 * ```ts
 * const migrations = [sqlMigration("counts", "create table counts (n integer) strict")];
 * await using database = await openDatabase<{ counts: { n: number } }>({ path: ":memory:", migrations });
 * const write = createBatcher(database);
 * // All three share one transaction, and one sync to the disk.
 * await Promise.all([1, 2, 3].map((n) => write((tx) => tx.insertInto("counts").values({ n }).execute())));
 * (await database.query.selectFrom("counts").selectAll().execute()).map(({ n }) => n); // [1, 2, 3]
 * ```
 */
export function createBatcher<DB>(database: Database<DB>): Batcher<DB> {
  let waiting: Job<DB>[] = [];
  let loop: Promise<void> | undefined;

  async function run(): Promise<void> {
    while (waiting.length > 0) {
      const batch = waiting.slice(0, MAX_BATCH);
      waiting = waiting.slice(MAX_BATCH);
      const together = async (tx: Transaction<DB>) => {
        const values: unknown[] = [];
        for (const { work } of batch) values.push(await work(tx));
        return values;
      };
      try {
        const results = await database.transaction(together, { sync: batch.some(({ sync }) => sync) });
        batch.forEach(({ resolve }, index) => {
          resolve(results[index] as never);
        });
      } catch (error) {
        if (batch.length === 1) batch[0]!.reject(error);
        else
          for (const { work, sync, resolve, reject } of batch)
            await database.transaction(work, { sync }).then((value) => resolve(value as never), reject);
      }
    }
    loop = undefined;
  }

  const write = <T>(work: (tx: Transaction<DB>) => Promise<T>, { sync = true }: { readonly sync?: boolean } = {}) =>
    new Promise<T>((resolve, reject) => {
      const inContext = AsyncLocalStorage.snapshot();
      waiting.push({ work: (tx) => inContext(work, tx), sync, resolve, reject });
      loop ??= run();
    });
  return Object.assign(write, { idle: async () => loop });
}
