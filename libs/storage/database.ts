import type { Database, DatabaseOptions } from "./types.ts";

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
export async function openDatabase<DB>(options: DatabaseOptions): Promise<Database<DB>> {
  // Kysely is hundreds of files: who only looks at locks and blobs starts without them.
  const { openWithKysely } = await import("./kysely-database.ts");
  return openWithKysely<DB>(options);
}
