import assert from "node:assert/strict";
import { AsyncLocalStorage } from "node:async_hooks";
import { test } from "node:test";
import { createBatcher, openDatabase, sqlMigration } from "./index.ts";

type Tables = { notes: { text: string } };
const migrations = [sqlMigration("notes", "create table notes (text text not null unique) strict")];

async function openNotes() {
  const database = await openDatabase<Tables>({ path: ":memory:", migrations });
  const synced: (boolean | undefined)[] = [];
  const counted: typeof database = {
    ...database,
    transaction(work, options) {
      synced.push(options?.sync);
      return database.transaction(work, options);
    },
  };
  return { database, write: createBatcher(counted), transactions: () => synced.length, synced };
}

test("what is asked for while a transaction commits shares the next, in order", async () => {
  const { database, write, transactions } = await openNotes();
  await using _closing = database;
  const add = (text: string) => write((tx) => tx.insertInto("notes").values({ text }).execute());
  await Promise.all(["a", "b", "c", "d"].map(add));
  assert.equal(transactions(), 2);
  assert.deepEqual(
    (await database.query.selectFrom("notes").selectAll().execute()).map(({ text }) => text),
    ["a", "b", "c", "d"],
  );
});

test("a transaction waits for the disk if one of its pieces does", async () => {
  const { database, write, synced } = await openNotes();
  await using _closing = database;
  const add = (text: string, sync: boolean) => write((tx) => tx.insertInto("notes").values({ text }).execute(), { sync });
  await add("a", false);
  await Promise.all([add("b", false), add("c", false), add("d", true)]);
  await Promise.allSettled([add("e", true), add("f", false), add("f", true)]);
  // The last two fail together, and each is run again as it was asked for.
  assert.deepEqual(synced, [false, false, true, true, true, false, true]);
});

test("a piece that fails does not take others with it", async () => {
  const { database, write } = await openNotes();
  await using _closing = database;
  const add = (text: string) => write((tx) => tx.insertInto("notes").values({ text }).execute());
  const results = await Promise.allSettled(["a", "b", "a", "c"].map(add));
  assert.deepEqual(
    results.map(({ status }) => status),
    ["fulfilled", "fulfilled", "rejected", "fulfilled"],
  );
  assert.equal((await database.query.selectFrom("notes").selectAll().execute()).length, 3);
});

test("each piece runs in the context of who asked for it", async () => {
  const { database, write } = await openNotes();
  await using _closing = database;
  const caller = new AsyncLocalStorage<string>();
  const seen = ["a", "b", "c"].map((name) =>
    caller.run(name, () =>
      write(async (tx) => {
        await tx.insertInto("notes").values({ text: name }).execute();
        return caller.getStore();
      }),
    ),
  );
  assert.deepEqual(await Promise.all(seen), ["a", "b", "c"]);
});
