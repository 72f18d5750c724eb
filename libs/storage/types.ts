import type { Kysely, Transaction } from "kysely";
import type { Migration } from "./migrations.ts";

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

/** A file, or ":memory:", and the schema that it gets. */
export type DatabaseOptions = { readonly path: string; readonly migrations: readonly Migration[] };
