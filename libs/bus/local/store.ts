import { sql } from "kysely";
import { createBatcher, type Database, openDatabase } from "#libs/storage";
import { keeps, type StreamDeclaration } from "../streams.ts";
import type { BusMessage, DeadLetter, WatchedMessage } from "../types.ts";
import { bury, type Claim, claim, release, remove } from "./claims.ts";
import { ensureQueue, insertMessage, toMessage } from "./messages.ts";
import { DEAD_LETTERS_KEPT, prune } from "./retention.ts";
import { migrations, type Tables } from "./schema.ts";

/** The queues of a local bus in SQLite. Each durable and subject is a queue; a message waits in each queue of its subject. */
export type LocalStore = AsyncDisposable & {
  /** Stores a message and says which queues it waits in. Undefined: its id was there before. */
  publish(message: BusMessage, nowMs: number): Promise<number[] | undefined>;
  /** The id of a queue, made if it is new; a new queue starts with the messages of its subject that are there. */
  queue(durable: string, subject: string): Promise<number>;
  /** Takes up to `limit` available messages of some queues, first published first. */
  claim(queues: readonly number[], limit: number, nowMs: number): Promise<Claim[]>;
  /** When the next message of some queues that waits for its time becomes available. */
  nextAvailableMs(queues: readonly number[]): Promise<number | undefined>;
  /** Takes a message out of a queue. False: the delivery is not the newest any more. */
  remove(queue: number, sequence: number, delivery: number): Promise<boolean>;
  /** Makes a claimed message available at a time. `uncounted`: nobody saw this delivery. */
  release(queue: number, sequence: number, delivery: number, availableAtMs: number, uncounted?: boolean): Promise<boolean>;
  /** Moves a message from a queue to the dead letters. */
  bury(queue: number, sequence: number, delivery: number, reason: string, nowMs: number): Promise<boolean>;
  deadLetters(): Promise<DeadLetter[]>;
  /** How many messages of a subject are there. */
  count(subject: string): Promise<number>;
  /** Messages of some subjects after a position, first published first. */
  after(subjects: readonly string[], position: number, limit: number): Promise<(WatchedMessage & { readonly position: number })[]>;
  /** The position behind which all messages were published at a time or later; without a time, the newest position. */
  position(sinceMs?: number): Promise<number>;
  /** Rejects with the reason while the database is not usable. */
  check(): Promise<void>;
  /** Deletes what is too old; see retention.ts. */
  prune(nowMs: number): Promise<void>;
};

/** Opens the store and prunes it. What was claimed before is available again: its consumers are gone with the process. */
export async function openLocalStore(path: string, streams: readonly StreamDeclaration[], nowMs: number): Promise<LocalStore> {
  const database = await openDatabase<Tables>({ path, migrations });
  await recover(database, streams, nowMs);
  const write = createBatcher(database);
  // What a loss of power takes back of these is delivered once more. A publish that follows brings them to the disk too.
  const sync = false;
  const kept = (subject: string) => streams.some((stream) => stream.retention === "events" && keeps(stream, subject));

  return {
    publish: (message, now) => write((tx) => insertMessage(tx, message, now)),
    queue: (durable, subject) => write((tx) => ensureQueue(tx, durable, subject)),
    claim: (queues, limit, now) => write((tx) => claim(tx, queues, limit, now), { sync }),
    async nextAvailableMs(queues) {
      const row = await database.query
        .selectFrom("pending")
        .select((eb) => eb.fn.min("available_at_ms").as("at"))
        .where("queue", "in", queues)
        .where("claimed", "=", 0)
        .executeTakeFirst();
      return row?.at ?? undefined;
    },
    remove: (queue, sequence, delivery) => write((tx) => remove(tx, { queue, sequence, delivery }, kept), { sync }),
    release: (queue, sequence, delivery, availableAtMs, uncounted = false) =>
      write((tx) => release(tx, { queue, sequence, delivery }, availableAtMs, uncounted), { sync }),
    bury: (queue, sequence, delivery, reason, now) => write((tx) => bury(tx, { queue, sequence, delivery }, kept, { reason, nowMs: now })),
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
    async count(subject) {
      const { fn } = database.query;
      const counted = database.query.selectFrom("message").select(fn.countAll<number>().as("messages")).where("subject", "=", subject);
      return (await counted.executeTakeFirstOrThrow()).messages;
    },
    async after(subjects, position, limit) {
      const newer = database.query.selectFrom("message").selectAll().where("subject", "in", subjects).where("sequence", ">", position);
      const rows = await newer.orderBy("sequence").limit(limit).execute();
      return rows.map((row) => ({ ...toMessage(row), atMs: row.at_ms, position: row.sequence! }));
    },
    position: (sinceMs) => positionOf(database, sinceMs),
    check: () => database.check(),
    prune: (now) => write((tx) => prune(tx, streams, now)),
    [Symbol.asyncDispose]: async () => {
      await write.idle();
      await database[Symbol.asyncDispose]();
    },
  };
}

/** In one statement: a message that comes between two would be taken for one from before. */
async function positionOf(database: Database<Tables>, sinceMs: number | undefined): Promise<number> {
  // Without messages, too, SQLite remembers the newest number that it gave.
  const { rows } = await sql<{ position: number }>`select coalesce(
    (select min(sequence) - 1 from message where at_ms >= ${sinceMs ?? null}),
    (select seq from sqlite_sequence where name = 'message'),
    0) as position`.execute(database.query);
  return rows[0]!.position;
}

async function recover(database: Database<Tables>, streams: readonly StreamDeclaration[], nowMs: number): Promise<void> {
  await database.transaction(async (tx) => {
    await tx.updateTable("pending").set({ claimed: 0, available_at_ms: 0 }).where("claimed", "=", 1).execute();
    await prune(tx, streams, nowMs);
  });
}
