import { DatabaseSync } from "node:sqlite";

/**
 * The first column of what a query finds in an SQLite database that others may be writing: what is committed, without waiting, and without
 * creating or changing the database. @throws Error if there is none, or it has no such tables
 * @example
 * ```ts
 * import { temporaryDirectory } from "#libs/testing";
 * await using directory = await temporaryDirectory();
 * const path = directory.join("words.sqlite");
 * const migrations = [sqlMigration("words", "create table words (word text primary key) strict")];
 * await using database = await openDatabase<{ words: { word: string } }>({ path, migrations });
 * await database.query.insertInto("words").values({ word: "hi" }).execute();
 * readColumn(path, "select word from words"); // ["hi"]
 * ```
 */
export function readColumn(path: string, query: string): string[] {
  const connection = new DatabaseSync(path, { readOnly: true, timeout: 100 });
  try {
    return connection
      .prepare(query)
      .all()
      .map((row) => String(Object.values(row)[0]));
  } finally {
    connection.close();
  }
}
