import type { Transaction } from "kysely";
import type { BusMessage } from "../types.ts";
import type { Tables } from "./schema.ts";

/** Stores a message and returns the queues that it waits in; undefined if its id was there before. */
export async function insertMessage(tx: Transaction<Tables>, message: BusMessage, nowMs: number): Promise<number[] | undefined> {
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

/** The id of a queue. A new one starts with the messages of its subject that are still there. */
export async function ensureQueue(tx: Transaction<Tables>, durable: string, subject: string): Promise<number> {
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

/** The message of a row. */
export function toMessage(row: { id: string; subject: string; payload: Uint8Array; headers: string }): BusMessage {
  return { id: row.id, subject: row.subject, payload: row.payload, headers: JSON.parse(row.headers) as Record<string, string> };
}
