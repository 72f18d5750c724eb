import { AsyncLocalStorage } from "node:async_hooks";
import { access } from "node:fs/promises";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { Kysely, sql, type Transaction } from "kysely";
import { asWriteError, makeDirectory } from "#libs/files";
import { type Migration, migrate } from "./migrations.ts";
import { sqliteDialect } from "./sqlite-dialect.ts";

/** How long a statement waits for another process's transaction. */
const BUSY_TIMEOUT_MS = 10_000;

/** A database with the tables DB, which are kysely's row types by table name. */
export type Database<DB> = {
  /** For single statements. Inside `transaction` it refuses: there the argument of the function has to be used. */
  readonly query: Kysely<DB>;
  /**
   * Runs a function in a transaction; one at a time. It commits when the function resolves and rolls back when it throws.
   * @param options.sync whether to wait until the disk has it, as is the default. Without that it is as with `withoutSync`.
   */
  transaction<T>(work: (tx: Transaction<DB>) => Promise<T>, options?: { readonly sync?: boolean }): Promise<T>;
  /**
   * Runs statements without waiting for the disk: they are there for everybody and survive the end of the process, but not for sure a loss
   * of power. For what is done again where it got lost.
   */
  withoutSync<T>(work: (query: Kysely<DB>) => Promise<T>): Promise<T>;
  /** Rejects with the reason while the database cannot be read, or its file is gone. */
  check(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
};

/**
 * Opens or creates an SQLite database and brings its schema up to date. `path` may be ":memory:".
 * What is committed is on the disk: write-ahead log, synchronous=FULL. Foreign keys are enforced.
 * Throws NewerSchemaError if a newer program wrote it; writes throw NoSpaceError on a full disk.
 * @example
 * ```ts
 * const migrations = [sqlMigration("words", "create table words (word text primary key) strict")];
 * await using database = await openDatabase<{ words: { word: string } }>({ path: ":memory:", migrations });
 * await database.transaction((tx) => tx.insertInto("words").values({ word: "hi" }).execute());
 * const rows = await database.query.selectFrom("words").select("word").execute();
 * rows.map(({ word }) => word); // ["hi"]
 * ```
 */
export async function openDatabase<DB>({ path, migrations }: { path: string; migrations: readonly Migration[] }): Promise<Database<DB>> {
  if (path !== ":memory:") await makeDirectory(dirname(path));
  const connection = openConnection(path);
  const inside = new AsyncLocalStorage<{ open: boolean }>();
  const query = new Kysely<DB>({
    dialect: sqliteDialect(connection, {
      path,
      // It would wait for the transaction that waits for it.
      beforeWaiting() {
        if (inside.getStore()?.open) throw new Error("a transaction is open here: use the transaction, not the database");
      },
    }),
  });
  try {
    await migrate(query as Kysely<unknown>, migrations, path);
  } catch (error) {
    await query.destroy();
    throw error;
  }

  const withoutSync: Database<DB>["withoutSync"] = (work) =>
    query.connection().execute(async (own) => {
      await sql`pragma synchronous = normal`.execute(own);
      try {
        return await work(own);
      } finally {
        await sql`pragma synchronous = full`.execute(own);
      }
    });

  return {
    query,
    async transaction(work, { sync = true } = {}) {
      const state = { open: true };
      const run = (on: Kysely<DB>) => on.transaction().execute((tx) => inside.run(state, () => work(tx)));
      try {
        return await (sync ? run(query) : withoutSync(run));
      } finally {
        state.open = false;
      }
    },
    withoutSync,
    async check() {
      // SQLite goes on with a file that somebody has deleted: what it writes there is lost.
      if (path !== ":memory:") await access(path);
      await sql`select count(*) from sqlite_schema`.execute(query);
    },
    async [Symbol.asyncDispose]() {
      await query.destroy();
    },
  };
}

function openConnection(path: string): DatabaseSync {
  try {
    const connection = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS, enableForeignKeyConstraints: true });
    try {
      connection.exec("pragma journal_mode = wal; pragma synchronous = full");
    } catch (error) {
      connection.close();
      throw error;
    }
    return connection;
  } catch (error) {
    const reported = asWriteError(error, path);
    if (reported !== error) throw reported;
    throw new Error(`cannot open the database ${path}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}
