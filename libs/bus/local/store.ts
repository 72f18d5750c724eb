import type { Transaction } from "kysely";
import { type Database, openDatabase, sqlMigration } from "#libs/storage";
import type { BusMessage, DeadLetter } from "../types.ts";
import { createBatcher } from "./batcher.ts";

/** What still waits after so long is dropped, and so are the ids that keep duplicates out. The owners of the state sweep. */
const KEEP_MS = 7 * 24 * 3_600_000;
const DEAD_LETTERS_KEPT = 1000;

type Tables = {
  message: { sequence?: number; id: string; subject: string; payload: Uint8Array; headers: string; at_ms: number };
  published: { id: string; at_ms: number };
  queue: { id?: number; durable: string; subject: string };
  pending: { queue: number; sequence: number; delivery: number; available_at_ms: number; claimed: number };
  dead_letter: {
    number?: number;
    durable: string;
    id: string;
    subject: string;
    payload: Uint8Array;
    headers: string;
    reason: string;
    deliveries: number;
    at_ms: number;
  };
};

const migrations = [
  sqlMigration(
    "queues",
    `create table message (sequence integer primary key autoincrement, id text not null, subject text not null,
       payload blob not null, headers text not null, at_ms integer not null) strict`,
    "create index message_subject on message (subject)",
    "create table published (id text primary key, at_ms integer not null) strict, without rowid",
    "create table queue (id integer primary key, durable text not null, subject text not null, unique (durable, subject)) strict",
    `create table pending (queue integer not null references queue (id), sequence integer not null references message (sequence) on delete cascade,
       delivery integer not null, available_at_ms integer not null, claimed integer not null, primary key (queue, sequence)) strict, without rowid`,
    "create index pending_sequence on pending (sequence)",
    `create table dead_letter (number integer primary key autoincrement, durable text not null, id text not null, subject text not null,
       payload blob not null, headers text not null, reason text not null, deliveries integer not null, at_ms integer not null) strict`,
  ),
];

/** A claimed message: nobody else gets it until it is settled or released. */
export type Claim = { message: BusMessage; sequence: number; delivery: number };

/** The queues of a local bus in SQLite. Each durable and subject is a queue; a message waits in each queue of its subject. */
export type LocalStore = AsyncDisposable & {
  /** Stores a message and says which queues it waits in. Undefined: its id was there before. */
  publish(message: BusMessage, nowMs: number): Promise<number[] | undefined>;
  /** The id of a queue, made if it is new; a new queue starts with the messages of its subject that still wait elsewhere or nowhere. */
  queue(durable: string, subject: string): Promise<number>;
  /** Takes up to `limit` available messages, first published first. */
  claim(queue: number, limit: number, nowMs: number): Promise<Claim[]>;
  /** When the next message that waits for its time becomes available. */
  nextAvailableMs(queue: number): Promise<number | undefined>;
  /** Takes a message out of a queue. False: the delivery is not the newest any more. */
  remove(queue: number, sequence: number, delivery: number): Promise<boolean>;
  /** Makes a claimed message available at a time. `uncounted`: nobody saw this delivery. */
  release(queue: number, sequence: number, delivery: number, availableAtMs: number, uncounted?: boolean): Promise<boolean>;
  /** Moves a message from a queue to the dead letters. */
  bury(queue: number, sequence: number, delivery: number, reason: string, nowMs: number): Promise<boolean>;
  deadLetters(): Promise<DeadLetter[]>;
};

/** Opens the store. What was claimed before is available again: its consumers are gone with the process. */
export async function openLocalStore(path: string, nowMs: number): Promise<LocalStore> {
  const database = await openDatabase<Tables>({ path, migrations });
  await recover(database, nowMs);
  const write = createBatcher(database);

  return {
    publish: (message, now) => write((tx) => insertMessage(tx, message, now)),
    queue: (durable, subject) => write((tx) => ensureQueue(tx, durable, subject)),
    claim: (queue, limit, now) => write((tx) => claim(tx, queue, limit, now)),
    async nextAvailableMs(queue) {
      const row = await database.query
        .selectFrom("pending")
        .select((eb) => eb.fn.min("available_at_ms").as("at"))
        .where("queue", "=", queue)
        .where("claimed", "=", 0)
        .executeTakeFirst();
      return row?.at ?? undefined;
    },
    remove: (queue, sequence, delivery) => write((tx) => remove(tx, queue, sequence, delivery)),
    release: (queue, sequence, delivery, availableAtMs, uncounted = false) =>
      write(async (tx) => {
        const { numUpdatedRows } = await tx
          .updateTable("pending")
          .set({ claimed: 0, available_at_ms: Math.trunc(availableAtMs), delivery: uncounted ? delivery - 1 : delivery })
          .where("queue", "=", queue)
          .where("sequence", "=", sequence)
          .where("delivery", "=", delivery)
          .where("claimed", "=", 1)
          .executeTakeFirst();
        return numUpdatedRows > 0n;
      }),
    bury: (queue, sequence, delivery, reason, now) =>
      write(async (tx) => {
        const dead = await tx
          .selectFrom("pending")
          .innerJoin("message", "message.sequence", "pending.sequence")
          .innerJoin("queue", "queue.id", "pending.queue")
          .select(["queue.durable", "message.id", "message.subject", "message.payload", "message.headers"])
          .where("pending.queue", "=", queue)
          .where("pending.sequence", "=", sequence)
          .where("pending.delivery", "=", delivery)
          .executeTakeFirst();
        if (!dead || !(await remove(tx, queue, sequence, delivery))) return false;
        await tx
          .insertInto("dead_letter")
          .values({ ...dead, reason, deliveries: delivery, at_ms: now })
          .execute();
        return true;
      }),
    async deadLetters() {
      const rows = await database.query.selectFrom("dead_letter").selectAll().orderBy("number", "desc").limit(DEAD_LETTERS_KEPT).execute();
      return rows.reverse().map((row) => ({
        message: toMessage(row),
        durable: row.durable,
        reason: row.reason,
        deliveries: row.deliveries,
        atMs: row.at_ms,
      }));
    },
    [Symbol.asyncDispose]: async () => {
      await write.idle();
      await database[Symbol.asyncDispose]();
    },
  };
}

async function recover(database: Database<Tables>, nowMs: number): Promise<void> {
  await database.transaction(async (tx) => {
    await tx.updateTable("pending").set({ claimed: 0, available_at_ms: 0 }).where("claimed", "=", 1).execute();
    await tx
      .deleteFrom("message")
      .where("at_ms", "<", nowMs - KEEP_MS)
      .execute();
    await tx
      .deleteFrom("published")
      .where("at_ms", "<", nowMs - KEEP_MS)
      .execute();
    await tx
      .deleteFrom("dead_letter")
      .where("at_ms", "<", nowMs - KEEP_MS)
      .execute();
  });
}

async function insertMessage(tx: Transaction<Tables>, message: BusMessage, nowMs: number): Promise<number[] | undefined> {
  const { id, subject, payload } = message;
  const first = await tx
    .insertInto("published")
    .values({ id, at_ms: nowMs })
    .onConflict((conflict) => conflict.doNothing())
    .returning("id")
    .executeTakeFirst();
  if (!first) return undefined;
  const { sequence } = await tx
    .insertInto("message")
    .values({ id, subject, payload, headers: JSON.stringify(message.headers), at_ms: nowMs })
    .returning("sequence")
    .executeTakeFirstOrThrow();
  const queues = await tx.selectFrom("queue").select("id").where("subject", "=", subject).execute();
  for (const queue of queues)
    await tx.insertInto("pending").values({ queue: queue.id!, sequence: sequence!, delivery: 0, available_at_ms: 0, claimed: 0 }).execute();
  return queues.map((queue) => queue.id!);
}

async function ensureQueue(tx: Transaction<Tables>, durable: string, subject: string): Promise<number> {
  const known = await tx.selectFrom("queue").select("id").where("durable", "=", durable).where("subject", "=", subject).executeTakeFirst();
  if (known) return known.id!;
  const { id } = await tx.insertInto("queue").values({ durable, subject }).returning("id").executeTakeFirstOrThrow();
  await tx
    .insertInto("pending")
    .columns(["queue", "sequence", "delivery", "available_at_ms", "claimed"])
    .expression((eb) =>
      eb
        .selectFrom("message")
        .select((e) => [
          e.val(id!).as("queue"),
          "sequence",
          e.val(0).as("delivery"),
          e.val(0).as("available_at_ms"),
          e.val(0).as("claimed"),
        ])
        .where("subject", "=", subject),
    )
    .execute();
  return id!;
}

async function claim(tx: Transaction<Tables>, queue: number, limit: number, nowMs: number): Promise<Claim[]> {
  const rows = await tx
    .selectFrom("pending")
    .innerJoin("message", "message.sequence", "pending.sequence")
    .select(["message.sequence", "message.id", "message.subject", "message.payload", "message.headers", "pending.delivery"])
    .where("pending.queue", "=", queue)
    .where("pending.claimed", "=", 0)
    .where("pending.available_at_ms", "<=", nowMs)
    .orderBy("pending.sequence")
    .limit(limit)
    .execute();
  for (const row of rows)
    await tx
      .updateTable("pending")
      .set({ claimed: 1, delivery: row.delivery + 1 })
      .where("queue", "=", queue)
      .where("sequence", "=", row.sequence!)
      .execute();
  return rows.map((row) => ({ message: toMessage(row), sequence: row.sequence!, delivery: row.delivery + 1 }));
}

/** A message that no queue waits for any more is deleted. */
async function remove(tx: Transaction<Tables>, queue: number, sequence: number, delivery: number): Promise<boolean> {
  const { numDeletedRows } = await tx
    .deleteFrom("pending")
    .where("queue", "=", queue)
    .where("sequence", "=", sequence)
    .where("delivery", "=", delivery)
    .executeTakeFirst();
  if (numDeletedRows === 0n) return false;
  const wanted = await tx.selectFrom("pending").select("queue").where("sequence", "=", sequence).limit(1).executeTakeFirst();
  if (!wanted) await tx.deleteFrom("message").where("sequence", "=", sequence).execute();
  return true;
}

function toMessage(row: { id: string; subject: string; payload: Uint8Array; headers: string }): BusMessage {
  return { id: row.id, subject: row.subject, payload: row.payload, headers: JSON.parse(row.headers) as Record<string, string> };
}
