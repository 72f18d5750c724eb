import { DeliverPolicy, type JetStreamClient, type JetStreamManager, type JsMsg } from "@nats-io/jetstream";
import type { BusMessage, DeadLetter } from "../types.ts";
import { deadLetterStream } from "./declared.ts";
import { fromNatsHeaders, toNatsHeaders } from "./headers.ts";

const LISTED = 1000;
const ID = "dead-id";
const SUBJECT = "dead-subject";
const DURABLE = "dead-durable";
const REASON = "dead-reason";
const DELIVERIES = "dead-deliveries";

/** Keeps a copy of a message that is given up. `key` names the delivery: burying it twice is burying it once. */
export async function bury(
  client: JetStreamClient,
  message: BusMessage,
  dead: { key: string; durable: string; reason: string; deliveries: number },
): Promise<void> {
  const { durable, reason, deliveries, key } = dead;
  const headers = toNatsHeaders({
    ...message.headers,
    [ID]: message.id,
    [SUBJECT]: message.subject,
    [DURABLE]: durable,
    [REASON]: reason,
    [DELIVERIES]: String(deliveries),
  });
  await client.publish(`dead-letters.${durable}`, message.payload, { msgID: key, headers });
}

/** The newest dead letters, oldest first. */
export async function listDeadLetters(client: JetStreamClient, manager: JetStreamManager): Promise<DeadLetter[]> {
  const { state } = await manager.streams.info(deadLetterStream.name);
  const count = Math.min(LISTED, state.messages);
  if (count === 0) return [];
  const first = Math.max(state.first_seq, state.last_seq - LISTED + 1);
  const consumer = await client.consumers.get(deadLetterStream.name, { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: first });
  const letters: DeadLetter[] = [];
  const messages = await consumer.fetch({ max_messages: count, expires: 2_000 });
  for await (const message of messages) letters.push(toDeadLetter(message));
  return letters;
}

function toDeadLetter(message: JsMsg): DeadLetter {
  const { headers } = fromNatsHeaders(message.headers);
  const {
    [ID]: id = "",
    [SUBJECT]: subject = "",
    [DURABLE]: durable = "",
    [REASON]: reason = "",
    [DELIVERIES]: deliveries = "0",
    ...rest
  } = headers;
  return {
    message: { id, subject, payload: message.data, headers: rest },
    durable,
    reason,
    deliveries: Number(deliveries),
    atMs: Date.parse(message.time.toISOString()),
  };
}
