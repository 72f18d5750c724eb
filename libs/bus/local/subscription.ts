import { createPulse } from "#libs/concurrency";
import { reasonLine } from "../limits.ts";
import type { Delivery, Outcome, Subscription } from "../types.ts";
import type { Claim } from "./claims.ts";
import type { QueueParts } from "./queue-parts.ts";

/** A subscription as its queue sees it. */
export type Member = {
  /** It takes from these. */
  readonly queues: readonly number[];
  /** Deliveries that it may take. */
  free(): number;
  push(claim: Claim): void;
  stop(): void;
  /** Ends its timers, whatever it has in hand. */
  abandon(): void;
};

type SubscriptionParts = QueueParts & {
  readonly queues: readonly number[];
  readonly concurrency: number;
  readonly ackWaitMs: number;
  /** A message may have become available. */
  readonly wake: () => void;
  /** The queue is closed, and the store with it soon. */
  readonly closed: () => boolean;
  /** It wants no more messages. */
  readonly leave: () => void;
  /** It is disposed of and has nothing in hand. */
  readonly empty: () => void;
};

/**
 * Makes a subscription of a queue. A delivery in hand has a lease, at whose end it is available again. Where the store fails to settle
 * one, its lease starts anew: it comes again, later.
 */
export function createSubscription(parts: SubscriptionParts): Subscription & Member {
  const { store, queues, now, ackWaitMs, wake, onError } = parts;
  let { concurrency } = parts;
  const leases = new Map<number, { claim: Claim; timer: ReturnType<typeof setTimeout> }>();
  const ready: Claim[] = [];
  const news = createPulse();
  let stopped = false;
  let disposed = false;

  const hold = (claim: Claim) => {
    clearTimeout(leases.get(claim.sequence)?.timer);
    const timer = setTimeout(() => void release(claim, 0).catch(onError), ackWaitMs);
    leases.set(claim.sequence, { claim, timer });
  };
  /** Ends a lease here; false if it has ended before. */
  const end = ({ sequence, delivery }: Claim) => {
    const lease = leases.get(sequence);
    if (lease?.claim.delivery !== delivery) return false;
    clearTimeout(lease.timer);
    return leases.delete(sequence);
  };
  const orHold = async (claim: Claim, held: boolean, change: Promise<unknown>) => {
    try {
      await change;
    } catch (error) {
      if (held && !parts.closed()) hold(claim);
      throw error;
    }
    if (disposed && leases.size === 0) parts.empty();
    wake();
  };
  const release = async (claim: Claim, delayMs: number, uncounted = false) => {
    if (!end(claim)) return;
    const at = delayMs === 0 ? 0 : now() + delayMs;
    await orHold(claim, true, store.release(claim.queue, claim.sequence, claim.delivery, at, uncounted));
  };
  const settle = async (claim: Claim, outcome: Outcome) => {
    const { queue, sequence, delivery } = claim;
    switch (outcome.type) {
      case "working":
        if (leases.get(sequence)?.claim.delivery === delivery && !parts.closed()) hold(claim);
        return;
      case "nak":
        return release(claim, outcome.delayMs);
      case "ack":
        return orHold(claim, end(claim), store.remove(queue, sequence, delivery));
      case "terminate":
        return orHold(claim, end(claim), store.bury(queue, sequence, delivery, reasonLine(outcome.reason), now()));
      default:
        outcome satisfies never;
    }
  };
  const toDelivery = (claim: Claim): Delivery => ({
    message: claim.message,
    sequence: BigInt(claim.sequence),
    delivery: claim.delivery,
    settle: (outcome) => settle(claim, outcome),
  });

  return {
    queues,
    free: () => (stopped ? 0 : Math.max(0, concurrency - leases.size)),
    limit(most) {
      const more = most > concurrency;
      concurrency = most;
      if (more) wake();
    },
    push(claim) {
      hold(claim);
      ready.push(claim);
      news.beat();
    },
    stop() {
      if (stopped) return;
      stopped = true;
      parts.leave();
      for (const claim of ready.splice(0)) void release(claim, 0, true).catch(onError);
      news.beat();
    },
    abandon() {
      for (const { timer } of leases.values()) clearTimeout(timer);
    },
    async *[Symbol.asyncIterator]() {
      for (;;) {
        const seen = news.version;
        const claim = ready.shift();
        if (claim) yield toDelivery(claim);
        else if (stopped) return;
        else await news.changed(seen);
      }
    },
    async [Symbol.asyncDispose]() {
      this.stop();
      disposed = true;
      if (leases.size === 0) return parts.empty();
      await Promise.all([...leases.values()].map(({ claim }) => release(claim, 0)));
    },
  };
}
