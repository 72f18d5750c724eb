import type { Transaction } from "kysely";

/** One step of a schema. Steps are only ever added at the end of a list, never changed. */
export type Migration = {
  /** Unique in its list. Kept in the database, to notice a list that was reordered. */
  readonly name: string;
  up(tx: Transaction<unknown>): Promise<void>;
};

/** A migration that runs SQL statements, one string each. */
export function sqlMigration(name: string, ...statements: string[]): Migration {
  return {
    name,
    async up(tx) {
      const { sql } = await import("kysely");
      for (const statement of statements) await sql.raw(statement).execute(tx);
    },
  };
}
