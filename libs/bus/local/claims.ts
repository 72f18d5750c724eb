import type { Transaction } from "kysely";
import type { BusMessage } from "../types.ts";
import { toMessage } from "./messages.ts";
import type { Tables } from "./schema.ts";

/** A claimed message: nobody else gets it until it is settled or released. */
export type Claim = { message: BusMessage; queue: number; sequence: number; delivery: number };

/** One delivery of a message: settling an older one changes nothing. */
export type DeliveryKey = { readonly queue: number; readonly sequence: number; readonly delivery: number };

/** Takes up to `limit` available messages of some queues, first published first. */
export async function claim(tx: Transaction<Tables>, queues: readonly number[], limit: number, nowMs: number): Promise<Claim[]> {
  const rows = await tx
    .selectFrom("pending")
    .innerJoin("message", "message.sequence", "pending.sequence")
    .select([
      "message.sequence",
      "message.id",
      "message.subject",
      "message.payload",
      "message.headers",
      "pending.queue",
      "pending.delivery",
    ])
    .where("pending.queue", "in", queues)
    .where("pending.claimed", "=", 0)
    .where("pending.available_at_ms", "<=", nowMs)
    .orderBy("pending.sequence")
    .limit(limit)
    .execute();
  for (const row of rows)
    await tx
      .updateTable("pending")
      .set({ claimed: 1, delivery: row.delivery + 1 })
      .where("queue", "=", row.queue)
      .where("sequence", "=", row.sequence!)
      .execute();
  return rows.map((row) => ({ message: toMessage(row), queue: row.queue, sequence: row.sequence!, delivery: row.delivery + 1 }));
}

/** Makes a claimed message available at a time. `uncounted`: nobody saw this delivery. */
export async function release(
  tx: Transaction<Tables>,
  { queue, sequence, delivery }: DeliveryKey,
  availableAtMs: number,
  uncounted: boolean,
): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable("pending")
    .set({ claimed: 0, available_at_ms: Math.trunc(availableAtMs), delivery: uncounted ? delivery - 1 : delivery })
    .where("queue", "=", queue)
    .where("sequence", "=", sequence)
    .where("delivery", "=", delivery)
    .where("claimed", "=", 1)
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}

/** Takes a message out of a queue. One that no queue waits for any more is deleted, unless its subject is kept for those who look back. */
export async function remove(
  tx: Transaction<Tables>,
  { queue, sequence, delivery }: DeliveryKey,
  kept: (subject: string) => boolean,
): Promise<boolean> {
  const { numDeletedRows } = await tx
    .deleteFrom("pending")
    .where("queue", "=", queue)
    .where("sequence", "=", sequence)
    .where("delivery", "=", delivery)
    .executeTakeFirst();
  if (numDeletedRows === 0n) return false;
  const wanted = await tx.selectFrom("pending").select("queue").where("sequence", "=", sequence).limit(1).executeTakeFirst();
  if (wanted) return true;
  const message = await tx.selectFrom("message").select("subject").where("sequence", "=", sequence).executeTakeFirst();
  if (message && !kept(message.subject)) await tx.deleteFrom("message").where("sequence", "=", sequence).execute();
  return true;
}

/** Moves a message from a queue to the dead letters. */
export async function bury(
  tx: Transaction<Tables>,
  key: DeliveryKey,
  kept: (subject: string) => boolean,
  dying: { reason: string; nowMs: number },
): Promise<boolean> {
  const dead = await tx
    .selectFrom("pending")
    .innerJoin("message", "message.sequence", "pending.sequence")
    .innerJoin("queue", "queue.id", "pending.queue")
    .select(["queue.durable", "message.id", "message.subject", "message.payload", "message.headers"])
    .where("pending.queue", "=", key.queue)
    .where("pending.sequence", "=", key.sequence)
    .where("pending.delivery", "=", key.delivery)
    .executeTakeFirst();
  if (!dead || !(await remove(tx, key, kept))) return false;
  await tx
    .insertInto("dead_letter")
    .values({ ...dead, reason: dying.reason, deliveries: key.delivery, at_ms: dying.nowMs })
    .execute();
  return true;
}
