import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { sql } from "kysely";
import { NewerSchemaError, openDatabase, sqlMigration } from "./index.ts";

type Tables = { note: { id: number; text: string; data: Uint8Array | null }; tag: { note: number; name: string } };

const notes = sqlMigration("notes", "create table note (id integer primary key, text text not null unique, data blob) strict");
const tags = sqlMigration("tags", "create table tag (note integer not null references note (id), name text not null) strict");

async function directory() {
  const path = await mkdtemp(join(tmpdir(), "database-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

async function pragma(db: { query: Parameters<ReturnType<typeof sql>["execute"]>[0] }, name: string): Promise<unknown> {
  const { rows } = await sql.raw<Record<string, unknown>>(`pragma ${name}`).execute(db.query);
  return Object.values(rows[0] ?? {})[0];
}

test("a database keeps what was committed, with the promised settings", async () => {
  await using folder = await directory();
  const path = join(folder.path, "deep", "notes.sqlite");
  {
    await using db = await openDatabase<Tables>({ path, migrations: [notes, tags] });
    assert.equal(await pragma(db, "journal_mode"), "wal");
    assert.equal(await pragma(db, "synchronous"), 2);
    assert.equal(await pragma(db, "foreign_keys"), 1);
    const inserted = await db.query
      .insertInto("note")
      .values({ id: 7, text: "seven", data: new Uint8Array([1, 2, 3]) })
      .executeTakeFirst();
    assert.equal(inserted.numInsertedOrUpdatedRows, 1n);
    await assert.rejects(db.query.insertInto("tag").values({ note: 8, name: "x" }).execute(), /FOREIGN KEY/);
  }
  await using db = await openDatabase<Tables>({ path, migrations: [notes, tags] });
  const rows = await db.query.selectFrom("note").selectAll().execute();
  assert.deepEqual(
    rows.map((row) => ({ ...row })),
    [{ id: 7, text: "seven", data: new Uint8Array([1, 2, 3]) }],
  );
  const returned = await db.query.updateTable("note").set({ text: "sept" }).where("id", "=", 7).returning("text").executeTakeFirst();
  assert.equal(returned?.text, "sept");
  const streamed = await Array.fromAsync(db.query.selectFrom("note").select("id").stream());
  assert.deepEqual(
    streamed.map(({ id }) => id),
    [7],
  );
});

test("transactions run one after another, roll back as a whole, and other queries wait for them", async () => {
  await using db = await openDatabase<Tables>({ path: ":memory:", migrations: [notes, tags] });
  const order: string[] = [];
  const write = (id: number, fail: boolean) =>
    db.transaction(async (tx) => {
      order.push(`begin ${id}`);
      await tx
        .insertInto("note")
        .values({ id, text: `note ${id}`, data: null })
        .execute();
      await new Promise((resolve) => setImmediate(resolve));
      await tx.insertInto("tag").values({ note: id, name: "a" }).execute();
      order.push(`end ${id}`);
      if (fail) throw new Error("changed my mind");
      return id;
    });
  const count = () =>
    db.query
      .selectFrom("note")
      .select(({ fn }) => fn.countAll<number>().as("count"))
      .executeTakeFirstOrThrow();
  const [first, second, third, counted] = await Promise.allSettled([write(1, false), write(2, true), write(3, false), count()]);
  assert.deepEqual(order, ["begin 1", "end 1", "begin 2", "end 2", "begin 3", "end 3"]);
  assert.deepEqual([first.status, second.status, third.status], ["fulfilled", "rejected", "fulfilled"]);
  assert.equal(counted.status === "fulfilled" && counted.value.count, 2);
  const rows = await db.query.selectFrom("tag").select("note").orderBy("note").execute();
  assert.deepEqual(
    rows.map(({ note }) => note),
    [1, 3],
  );
});

test("what need not wait for the disk is there at once, and everything after it waits again", async () => {
  await using folder = await directory();
  await using db = await openDatabase<Tables>({ path: join(folder.path, "notes.sqlite"), migrations: [notes] });
  const insert = (id: number) =>
    db.withoutSync(async (query) => {
      assert.equal(await pragma({ query }, "synchronous"), 1);
      await query
        .insertInto("note")
        .values({ id, text: `${id}`, data: null })
        .execute();
    });
  await insert(1);
  await assert.rejects(insert(1), /UNIQUE/);
  assert.equal(await pragma(db, "synchronous"), 2);
  assert.equal((await db.query.selectFrom("note").selectAll().execute()).length, 1);
  await assert.rejects(
    db.transaction(() => insert(2)),
    /use the transaction/,
  );
  const row = (id: number) => ({ id, text: `${id}`, data: null });
  await db.transaction(
    async (tx) => {
      assert.equal(await pragma({ query: tx }, "synchronous"), 1);
      await tx.insertInto("note").values(row(3)).execute();
    },
    { sync: false },
  );
  const failing = async () => Promise.reject(new Error("not this"));
  await assert.rejects(db.transaction(failing, { sync: false }), /not this/);
  assert.equal(await pragma(db, "synchronous"), 2);
  assert.equal((await db.query.selectFrom("note").selectAll().execute()).length, 2);
});

test("using the database inside its own transaction is an error, not a deadlock", async () => {
  await using db = await openDatabase<Tables>({ path: ":memory:", migrations: [notes] });
  await assert.rejects(
    db.transaction(() => db.query.selectFrom("note").selectAll().execute()),
    /use the transaction/,
  );
  await assert.rejects(
    db.transaction(() => db.transaction(async () => {})),
    /use the transaction/,
  );
  assert.deepEqual(await db.query.selectFrom("note").selectAll().execute(), []);
});

test("two connections to one file wait for each other", async () => {
  await using folder = await directory();
  const path = join(folder.path, "notes.sqlite");
  await using one = await openDatabase<Tables>({ path, migrations: [notes] });
  await using two = await openDatabase<Tables>({ path, migrations: [notes] });
  for (let id = 0; id < 10; id += 2) {
    await one.query
      .insertInto("note")
      .values({ id, text: `${id}`, data: null })
      .execute();
    await two.transaction((tx) =>
      tx
        .insertInto("note")
        .values({ id: id + 1, text: `${id + 1}`, data: null })
        .execute(),
    );
  }
  assert.equal((await one.query.selectFrom("note").selectAll().execute()).length, 10);
});

test("migrations run once, in order, and a failing one leaves the schema as it was", async () => {
  await using folder = await directory();
  const path = join(folder.path, "notes.sqlite");
  const broken = sqlMigration("broken", "create table half (x integer) strict", "nonsense");
  await (await openDatabase({ path, migrations: [notes] }))[Symbol.asyncDispose]();
  await assert.rejects(openDatabase({ path, migrations: [notes, broken] }), /nonsense/);
  await using db = await openDatabase<Tables>({ path, migrations: [notes, tags] });
  const { rows } = await sql<{ name: string }>`select name from sqlite_master where type = 'table' order by name`.execute(db.query);
  assert.deepEqual(
    rows.map(({ name }) => name),
    ["note", "schema_version", "tag"],
  );
});

test("a newer schema and a reordered one are refused", async () => {
  await using folder = await directory();
  const path = join(folder.path, "notes.sqlite");
  await (await openDatabase({ path, migrations: [notes, tags] }))[Symbol.asyncDispose]();
  await assert.rejects(
    openDatabase({ path, migrations: [notes] }),
    (error) =>
      error instanceof NewerSchemaError &&
      /schema 2, this program knows schemas up to 1/.test(error.message) &&
      error.message.includes(path),
  );
  await assert.rejects(openDatabase({ path, migrations: [tags, notes] }), /schema step 1 is notes, this program has tags there/);
});

test("a database that cannot be opened is named", async () => {
  await using folder = await directory();
  await assert.rejects(
    openDatabase({ path: folder.path, migrations: [] }),
    (error) => error instanceof Error && error.message.includes(folder.path),
  );
});

test("a database whose file is gone says so when it is checked", async () => {
  await using folder = await directory();
  const path = join(folder.path, "checked.sqlite");
  await using database = await openDatabase<Record<string, never>>({ path, migrations: [] });
  await database.check();
  await rm(path);
  await assert.rejects(database.check(), { code: "ENOENT" });
});
