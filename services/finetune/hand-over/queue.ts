import type { Subscription, Topic } from "#libs/bus";
import { after, type Timer } from "#libs/concurrency";
import { ACK_WAIT_MS } from "#libs/topics";
import type { JobOfferedSchema } from "#proto/ratatouille/v1/events_pb.ts";
import { DURABLE, type Held, hold, type WorkBus } from "./held.ts";

/** The work queues that trainers of one kind take from, asked for a message only while one of them waits. */
export type WorkQueue = AsyncDisposable & {
  /** One more waits. */
  want(): void;
  /** One waits no more: it was handed something, or has gone. */
  leave(): void;
  /** How many wait. */
  readonly waiting: number;
};

/** Nobody has waited here for so long, and nothing is in hand: the queues are asked for no more. */
const IDLE_MS = 60_000;

type Parts = {
  readonly bus: WorkBus;
  readonly topics: readonly Topic<typeof JobOfferedSchema>[];
  /** Decides about a message. It is settled later, or not at all. */
  readonly onMessage: (held: Held) => Promise<void>;
  /** It cannot be used any more: the bus refuses it, or it was idle. */
  readonly onEnd: (error?: unknown) => void;
};

/**
 * Takes as many messages as trainers wait. What is in hand, because its job runs, counts as none of these: it stays with the subscription
 * until it is settled.
 */
export function openWorkQueue({ bus, topics, onMessage, onEnd }: Parts): WorkQueue {
  const bySubject = new Map(topics.map((topic) => [topic.subject, topic]));
  let waiting = 0;
  /** Messages that are in hand, and those of them that nothing has been decided about. */
  let inHand = 0;
  let undecided = 0;
  let subscription: Subscription | undefined;
  let idle: Timer | undefined;
  let over = false;

  const end = (error?: unknown) => {
    if (over) return;
    over = true;
    idle?.[Symbol.dispose]();
    subscription?.stop();
    onEnd(error);
  };
  // An undecided message is for one of those that wait.
  const limit = () => Math.max(inHand, inHand + waiting - undecided);
  const adjust = () => {
    subscription?.limit(limit());
    idle?.[Symbol.dispose]();
    idle = waiting + inHand === 0 ? after(IDLE_MS, () => end()).unref() : undefined;
  };
  const take = async (held: Held): Promise<void> => {
    try {
      await onMessage(held);
    } finally {
      undecided -= 1;
      adjust();
    }
  };
  const run = async (): Promise<void> => {
    await using open = await bus.subscribe({
      durable: DURABLE,
      subjects: [...bySubject.keys()],
      concurrency: Math.max(1, limit()),
      ackWaitMs: ACK_WAIT_MS,
    });
    if (over) return;
    subscription = open;
    adjust();
    for await (const delivery of open) {
      inHand += 1;
      undecided += 1;
      const held = hold(delivery, bySubject.get(delivery.message.subject)!, () => {
        inHand -= 1;
        adjust();
      });
      if (held) {
        void take(held);
        continue;
      }
      undecided -= 1;
      adjust();
    }
  };
  const running = run().then(
    () => end(),
    (error: unknown) => end(error),
  );
  return {
    want() {
      waiting += 1;
      adjust();
    },
    leave() {
      waiting -= 1;
      adjust();
    },
    get waiting() {
      return waiting;
    },
    async [Symbol.asyncDispose]() {
      end();
      // It gives back what is in hand.
      await running;
    },
  };
}
