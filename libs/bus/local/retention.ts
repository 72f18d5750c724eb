import type { Transaction } from "kysely";
import { keeps, type StreamDeclaration } from "../streams.ts";
import type { Tables } from "./schema.ts";

const DAY_MS = 24 * 3_600_000;
/** Messages of subjects that no stream declares. */
const UNDECLARED_KEPT_MS = 7 * DAY_MS;
/** Ids keep duplicates out. What is repeated later than this finds idempotent consumers. */
const IDS_KEPT_MS = DAY_MS;
const DEAD_LETTERS_KEPT_MS = 7 * DAY_MS;

/** Dead letters that are kept and shown at most. */
export const DEAD_LETTERS_KEPT = 1000;
/** Events of a subject that no durable waits for any more: for those who look back, and for new durables. */
export const UNWANTED_KEPT = 1000;

/**
 * Deletes what is too old: messages as their stream declares, ids and dead letters. Work waits for ever where its stream says so;
 * events that nobody waits for are bounded in number too.
 */
export async function prune(tx: Transaction<Tables>, streams: readonly StreamDeclaration[], nowMs: number): Promise<void> {
  const subjects = await tx.selectFrom("message").select("subject").distinct().execute();
  for (const { subject } of subjects) await pruneSubject(tx, subject, streams, nowMs);
  await tx
    .deleteFrom("published")
    .where("at_ms", "<", nowMs - IDS_KEPT_MS)
    .execute();
  const newestTooMany = await tx
    .selectFrom("dead_letter")
    .select("number")
    .orderBy("number", "desc")
    .offset(DEAD_LETTERS_KEPT)
    .limit(1)
    .executeTakeFirst();
  await tx
    .deleteFrom("dead_letter")
    .where((where) => where.or([where("at_ms", "<", nowMs - DEAD_LETTERS_KEPT_MS), where("number", "<=", newestTooMany?.number ?? 0)]))
    .execute();
}

async function pruneSubject(tx: Transaction<Tables>, subject: string, streams: readonly StreamDeclaration[], nowMs: number): Promise<void> {
  const stream = streams.find((stream) => keeps(stream, subject));
  const keptMs = stream?.maxAgeMs ?? UNDECLARED_KEPT_MS;
  if (keptMs > 0)
    await tx
      .deleteFrom("message")
      .where("subject", "=", subject)
      .where("at_ms", "<", nowMs - keptMs)
      .execute();
  if (stream?.retention !== "events") return;
  const newestTooMany = await tx
    .selectFrom("message")
    .select("sequence")
    .where("subject", "=", subject)
    .orderBy("sequence", "desc")
    .offset(UNWANTED_KEPT)
    .limit(1)
    .executeTakeFirst();
  if (!newestTooMany) return;
  await tx
    .deleteFrom("message")
    .where("subject", "=", subject)
    .where("sequence", "<=", newestTooMany.sequence!)
    .where("sequence", "not in", (pending) => pending.selectFrom("pending").select("sequence"))
    .execute();
}
