import type { DatabaseSync, SQLInputValue } from "node:sqlite";
import {
  CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from "kysely";
import { asWriteError } from "#libs/files";
import { createMutex } from "./mutex.ts";

/** Statements kept prepared. The services have fewer than a hundred; lists of varying length make more. */
const MAX_STATEMENTS = 200;

/**
 * Kysely on a `node:sqlite` database. The one connection has one user at a time. `path` is only for messages; `beforeWaiting` may refuse to let a caller wait for the connection.
 */
export function sqliteDialect(database: DatabaseSync, { path, beforeWaiting }: { path: string; beforeWaiting: () => void }): Dialect {
  return {
    createAdapter: () => new SerialAdapter(),
    createDriver: () => createDriver(database, path, beforeWaiting),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  };
}

/** Keeps kysely from queueing for the connection: the driver below does, after a look at who asks. */
class SerialAdapter extends SqliteAdapter {
  override get supportsMultipleConnections(): boolean {
    return true;
  }
}

function createDriver(database: DatabaseSync, path: string, beforeWaiting: () => void): Driver {
  const mutex = createMutex();
  const connection = createConnection(database, path);
  let release: (() => void) | undefined;
  const execute = async (sql: string) => {
    await connection.executeQuery(CompiledQuery.raw(sql));
  };
  return {
    async init() {},
    async acquireConnection() {
      beforeWaiting();
      release = await mutex.acquire();
      return connection;
    },
    async releaseConnection() {
      release?.();
    },
    // Immediate: a transaction that reads first and writes later could otherwise fail because another process wrote in between.
    beginTransaction: () => execute("begin immediate"),
    commitTransaction: () => execute("commit"),
    // A full disk makes SQLite roll back by itself.
    rollbackTransaction: async () => {
      if (database.isTransaction) await execute("rollback");
    },
    async destroy() {
      database.close();
    },
  };
}

function createConnection(database: DatabaseSync, path: string): DatabaseConnection {
  const statements = new Map<string, { readonly statement: ReturnType<DatabaseSync["prepare"]>; readonly givesRows: boolean }>();

  function prepare(sql: string) {
    const known = statements.get(sql);
    if (known) return known;
    const prepared = database.prepare(sql);
    // Asked once: the answer is an object for each column.
    const statement = { statement: prepared, givesRows: prepared.columns().length > 0 };
    const oldest = statements.keys().next();
    if (statements.size >= MAX_STATEMENTS && !oldest.done) statements.delete(oldest.value);
    statements.set(sql, statement);
    return statement;
  }

  return {
    async executeQuery<R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
      try {
        const { statement, givesRows } = prepare(sql);
        const values = parameters.map(toSqlite);
        if (givesRows) return { rows: statement.all(...values) as R[] };
        const { changes, lastInsertRowid } = statement.run(...values);
        return { rows: [], numAffectedRows: BigInt(changes), insertId: BigInt(lastInsertRowid) };
      } catch (error) {
        throw asWriteError(error, path);
      }
    },
    async *streamQuery<R>({ sql, parameters }: CompiledQuery): AsyncGenerator<QueryResult<R>> {
      // Not from the cache: while an iteration is open its statement must not be run a second time.
      for (const row of database.prepare(sql).iterate(...parameters.map(toSqlite))) yield { rows: [row as R] };
    },
  };
}

function toSqlite(value: unknown): SQLInputValue {
  if (typeof value === "boolean") return value ? 1 : 0;
  if (value === undefined) return null;
  return value as SQLInputValue;
}
