import { createBatcher, openDatabase } from "#libs/storage";
import { type ContributionRows, contributionRows } from "./contributions.ts";
import { migrations } from "./migrations.ts";
import { type SessionRows, sessionRows } from "./sessions.ts";
import type { SessionTables } from "./tables.ts";

/** The truth about sessions. */
export type SessionStore = AsyncDisposable & SessionRows & ContributionRows & { check(): Promise<void> };

/** Opens the database of sessions. */
export async function openSessionStore(path: string): Promise<SessionStore> {
  const database = await openDatabase<SessionTables>({ path, migrations });
  const batch = createBatcher(database);
  return {
    ...sessionRows(database),
    ...contributionRows(database, batch),
    check: () => database.check(),
    async [Symbol.asyncDispose]() {
      await batch.idle();
      await database[Symbol.asyncDispose]();
    },
  };
}
