import { type Database, openDatabase } from "#libs/storage";
import type { StreamDeclaration } from "../streams.ts";
import type { BusMessage, DeadLetter } from "../types.ts";
import { createBatcher } from "./batcher.ts";
import { bury, type Claim, claim, release, remove } from "./claims.ts";
import { ensureQueue, insertMessage, toMessage } from "./messages.ts";
import { DEAD_LETTERS_KEPT, prune } from "./retention.ts";
import { migrations, type Tables } from "./schema.ts";

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
  /** Deletes what is too old; see retention.ts. */
  prune(nowMs: number): Promise<void>;
};

/** Opens the store and prunes it. What was claimed before is available again: its consumers are gone with the process. */
export async function openLocalStore(path: string, streams: readonly StreamDeclaration[], nowMs: number): Promise<LocalStore> {
  const database = await openDatabase<Tables>({ path, migrations });
  await recover(database, streams, nowMs);
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
    remove: (queue, sequence, delivery) => write((tx) => remove(tx, { queue, sequence, delivery })),
    release: (queue, sequence, delivery, availableAtMs, uncounted = false) =>
      write((tx) => release(tx, { queue, sequence, delivery }, availableAtMs, uncounted)),
    bury: (queue, sequence, delivery, reason, now) => write((tx) => bury(tx, { queue, sequence, delivery }, reason, now)),
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
    prune: (now) => write((tx) => prune(tx, streams, now)),
    [Symbol.asyncDispose]: async () => {
      await write.idle();
      await database[Symbol.asyncDispose]();
    },
  };
}

async function recover(database: Database<Tables>, streams: readonly StreamDeclaration[], nowMs: number): Promise<void> {
  await database.transaction(async (tx) => {
    await tx.updateTable("pending").set({ claimed: 0, available_at_ms: 0 }).where("claimed", "=", 1).execute();
    await prune(tx, streams, nowMs);
  });
}
