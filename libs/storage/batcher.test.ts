import assert from "node:assert/strict";
import { AsyncLocalStorage } from "node:async_hooks";
import { test } from "node:test";
import { createBatcher, openDatabase, sqlMigration } from "./index.ts";

type Tables = { notes: { text: string } };
const migrations = [sqlMigration("notes", "create table notes (text text not null unique) strict")];

async function openNotes() {
  const database = await openDatabase<Tables>({ path: ":memory:", migrations });
  let transactions = 0;
  const counted: typeof database = {
    ...database,
    transaction(work) {
      transactions += 1;
      return database.transaction(work);
    },
  };
  return { database, write: createBatcher(counted), transactions: () => transactions };
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
