import { type Kysely, sql } from "kysely";
import { NewerSchemaError } from "./errors.ts";
import type { Migration } from "./migrations.ts";

/** Brings a schema up to date, each step in a transaction of its own. Throws NewerSchemaError if the database is ahead. */
export async function migrate(db: Kysely<unknown>, migrations: readonly Migration[], path: string): Promise<void> {
  await sql`create table if not exists schema_version (version integer primary key, name text not null) strict`.execute(db);
  for (;;) {
    const finished = await db.transaction().execute(async (tx) => {
      // Read inside the transaction: another process may be migrating too.
      const { rows } = await sql<{ version: number; name: string }>`select version, name from schema_version order by version`.execute(tx);
      if (rows.length > migrations.length) throw new NewerSchemaError(path, rows.length, migrations.length);
      const reordered = rows.find(({ name }, index) => migrations[index]?.name !== name);
      if (reordered)
        throw new Error(
          `${path}: schema step ${reordered.version} is ${reordered.name}, this program has ${migrations[reordered.version - 1]?.name} there`,
        );
      const next = migrations[rows.length];
      if (!next) return true;
      await next.up(tx);
      await sql`insert into schema_version (version, name) values (${rows.length + 1}, ${next.name})`.execute(tx);
      return false;
    });
    if (finished) return;
  }
}
