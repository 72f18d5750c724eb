import { setTimeout as sleep } from "node:timers/promises";
import type { JetStreamClient } from "@nats-io/jetstream";
import { createPulse } from "#libs/concurrency";
import { BusRefusedError } from "../errors.ts";
import { reasonLine } from "../limits.ts";
import { createMailbox } from "../mailbox.ts";
import type { Delivery, Outcome, SubscribeOptions, Subscription } from "../types.ts";
import { bury } from "./dead-letters.ts";
import type { PullConsumer } from "./declared.ts";
import type { Link, Session } from "./link.ts";
import { openPull, type Pull } from "./pull.ts";
import { type Received, toReceived } from "./received.ts";

const RETRY_MS = 200;
/** Asking a consumer that has nothing costs a round trip: while others have something, it is passed over so many times. */
const PASSED_OVER = 8;

type Parts = {
  link: Link;
  options: SubscribeOptions;
  consumers: readonly PullConsumer[];
  /** Makes the consumers, if they are missing. @throws BusRefusedError where the server refuses one */
  declare: (session: Session) => Promise<void>;
  /** Makes again what the server may have lost. */
  repair: (session: Session) => Promise<void>;
  /** Nobody uses the consumers here any more. */
  forget: () => void;
};

/**
 * Takes one message at a time for each free hand: what is prefetched, others cannot have. While a hand is free it asks the consumers in
 * turn, so that none is starved; when none has anything it waits at all of them, and what comes while no hand is free goes back at once.
 */
export function createSubscription({ link, options, consumers, declare, repair, forget }: Parts): Subscription {
  const mailbox = createMailbox<Delivery>();
  const inHand = new Set<Delivery>();
  const freed = createPulse();
  const stopping = new AbortController();
  let { concurrency } = options;
  /** The consumer that is asked first. */
  let first = 0;
  /** How many times each consumer is still to be passed over. */
  const pass = consumers.map(() => 0);

  function accept(client: JetStreamClient, received: Received): void {
    if (stopping.signal.aborted || inHand.size >= concurrency) {
      received.nak(0);
      return;
    }
    const delivery = toDelivery(client, received, options, () => {
      inHand.delete(delivery);
      freed.beat();
    });
    inHand.add(delivery);
    mailbox.put(delivery);
  }

  async function askInTurn(pull: Pull): Promise<boolean> {
    const order = consumers.map((_, i) => (first + i) % consumers.length);
    const passedOver = order.filter((index) => pass[index]! > 0);
    for (const index of passedOver) pass[index]!--;
    for (const index of [...order.filter((each) => !passedOver.includes(each)), ...passedOver]) {
      if (stopping.signal.aborted) return false;
      if (await pull.ask(consumers[index]!)) {
        pass[index] = 0;
        first = (index + 1) % consumers.length;
        return true;
      }
      pass[index] = PASSED_OVER;
    }
    return false;
  }

  async function fill(session: Session): Promise<void> {
    const { connection, client, lost } = session;
    await using pull = openPull(session, (message) => accept(client, toReceived(connection, message)));
    while (!lost.aborted && !stopping.signal.aborted) {
      const seen = freed.version;
      if (inHand.size >= concurrency) await freed.changed(seen, AbortSignal.any([lost, stopping.signal]));
      else if (!(await askInTurn(pull))) await pull.stand(consumers, stopping.signal);
    }
  }

  async function run(): Promise<void> {
    for (let session = await link.wait(stopping.signal); session; session = await link.wait(stopping.signal)) {
      try {
        await declare(session);
        await fill(session);
      } catch (error) {
        if (error instanceof BusRefusedError) return mailbox.end(error);
        // No connection, or no consumer any more.
        if (!session.lost.aborted) await repair(session).catch(() => undefined);
        await sleep(RETRY_MS, undefined, { signal: stopping.signal }).catch(() => undefined);
      }
    }
  }

  // Ends with the bus too.
  const running = run().finally(() => mailbox.end());
  const stop = () => {
    stopping.abort();
    mailbox.end();
  };
  return {
    stop,
    limit(most) {
      concurrency = most;
      freed.beat();
    },
    async *[Symbol.asyncIterator]() {
      for await (const delivery of mailbox) {
        if (stopping.signal.aborted) await delivery.settle({ type: "nak", delayMs: 0 });
        else yield delivery;
      }
    },
    async [Symbol.asyncDispose]() {
      stop();
      await Promise.all([...inHand].map((delivery) => delivery.settle({ type: "nak", delayMs: 0 }).catch(() => undefined)));
      await running;
      forget();
    },
  };
}

function toDelivery(client: JetStreamClient, received: Received, { durable, ackWaitMs }: SubscribeOptions, ended: () => void): Delivery {
  const { message, stream, sequence, delivery } = received;
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
        return received.ack();
      case "nak":
        return received.nak(outcome.delayMs);
      case "terminate": {
        const reason = reasonLine(outcome.reason);
        await bury(client, message, { key: `${stream}/${sequence}/${durable}`, durable, reason, deliveries: delivery });
        return received.terminate(reason);
      }
      case "working":
        return received.working();
      default:
        outcome satisfies never;
    }
  };
  return {
    message,
    sequence: BigInt(sequence),
    delivery,
    async settle(outcome) {
      if (over) return;
      if (outcome.type === "working") {
        clearTimeout(lease);
        lease = setTimeout(end, ackWaitMs);
        return send(outcome);
      }
      const sent = send(outcome);
      // The hand is free when the word is on its way: the next request goes behind it.
      end();
      await sent;
    },
  };
}
