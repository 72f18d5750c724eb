import { AsyncLocalStorage } from "node:async_hooks";
import { access } from "node:fs/promises";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { Kysely, sql } from "kysely";
import { asWriteError, makeDirectory } from "#libs/files";
import { migrate } from "./migrate.ts";
import { sqliteDialect } from "./sqlite-dialect.ts";
import type { Database, DatabaseOptions } from "./types.ts";

/** How long a statement waits for another process's transaction. */
const BUSY_TIMEOUT_MS = 10_000;

/** See `openDatabase`. */
export async function openWithKysely<DB>({ path, migrations }: DatabaseOptions): Promise<Database<DB>> {
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
