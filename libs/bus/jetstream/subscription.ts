import { setTimeout as sleep } from "node:timers/promises";
import type { Consumer, ConsumerMessages, JetStreamClient, JsMsg } from "@nats-io/jetstream";
import { createMailbox } from "../mailbox.ts";
import type { BusMessage, Delivery, Outcome, SubscribeOptions, Subscription } from "../types.ts";
import { bury } from "./dead-letters.ts";
import { fromNatsHeaders } from "./headers.ts";

/** A pull request stands this long, then the next one does. */
const PULL_MS = 30_000;
const RETRY_MS = 200;

type Parts = {
  client: JetStreamClient;
  options: SubscribeOptions;
  consumers: () => readonly Consumer[];
  /** Makes again what the server may have lost. */
  repair: () => Promise<void>;
};

/** Takes messages one at a time in as many slots as may be in hand at once: what is prefetched, others cannot have. */
export function createSubscription({ client, options, consumers, repair }: Parts): Subscription {
  const mailbox = createMailbox<Delivery>();
  const pulls = new Set<ConsumerMessages>();
  const inHand = new Set<Delivery>();
  const stopping = new AbortController();

  async function fillSlot(): Promise<void> {
    let broken = false;
    while (!stopping.signal.aborted) {
      try {
        if (broken) await repair();
        for (const consumer of consumers()) broken = !(await pull(consumer));
      } catch {
        broken = true; // no connection, or no consumer any more
      }
      if (broken) await sleep(RETRY_MS, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  }

  /** One pull request, until a message of it is settled or it expires. False if it ended early with nothing. */
  async function pull(consumer: Consumer): Promise<boolean> {
    const started = performance.now();
    const expires = options.subjects.length > 1 ? 1_000 : PULL_MS;
    const messages = await consumer.fetch({ max_messages: 1, expires });
    pulls.add(messages);
    if (stopping.signal.aborted) void messages.close();
    let taken = 0;
    try {
      for await (const message of messages) {
        await take(message);
        taken++;
      }
    } finally {
      pulls.delete(messages);
    }
    return taken > 0 || performance.now() - started > expires / 2;
  }

  /** Hands a message over and resolves when it is settled or its lease has ended. */
  async function take(received: JsMsg): Promise<void> {
    if (stopping.signal.aborted) return received.nak();
    const ended = Promise.withResolvers<void>();
    const delivery = toDelivery(client, received, options, () => {
      inHand.delete(delivery);
      ended.resolve();
    });
    inHand.add(delivery);
    mailbox.put(delivery);
    await ended.promise;
  }

  const slots = Array.from({ length: options.concurrency }, fillSlot);
  const stop = () => {
    stopping.abort();
    mailbox.end();
    for (const pull of pulls) void pull.close();
  };
  return {
    stop,
    async *[Symbol.asyncIterator]() {
      for await (const delivery of mailbox) {
        if (stopping.signal.aborted) await delivery.settle({ type: "nak", delayMs: 0 });
        else yield delivery;
      }
    },
    async [Symbol.asyncDispose]() {
      stop();
      await Promise.all([...inHand].map((delivery) => delivery.settle({ type: "nak", delayMs: 0 }).catch(() => undefined)));
      await Promise.all(slots);
    },
  };
}

function toDelivery(client: JetStreamClient, received: JsMsg, { durable, ackWaitMs }: SubscribeOptions, ended: () => void): Delivery {
  const { info } = received;
  const message: BusMessage = { ...fromNatsHeaders(received.headers), subject: received.subject, payload: received.data };
  // The server takes late settlements for those of the newest delivery, so they are not sent.
  let over = false;
  const end = () => {
    over = true;
    clearTimeout(lease);
    ended();
  };
  let lease = setTimeout(end, ackWaitMs);
  const send = async (outcome: Outcome): Promise<void> => {
    switch (outcome.type) {
      case "ack":
        // Waits for the server's word, so that the slot is free when the message is done.
        await received.ackAck();
        return;
      case "nak":
        return received.nak(outcome.delayMs);
      case "terminate":
        await bury(client, message, {
          key: `${info.stream}/${info.streamSequence}/${durable}`,
          durable,
          reason: outcome.reason,
          deliveries: info.deliveryCount,
        });
        return received.term(outcome.reason);
      case "working":
        return received.working();
      default:
        outcome satisfies never;
    }
  };
  return {
    message,
    sequence: BigInt(info.streamSequence),
    delivery: info.deliveryCount,
    async settle(outcome) {
      if (over) return;
      try {
        await send(outcome);
      } finally {
        if (outcome.type === "working") {
          clearTimeout(lease);
          lease = setTimeout(end, ackWaitMs);
        } else end();
      }
    },
  };
}
