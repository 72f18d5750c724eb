import type { Delivery, Outcome, Subscription } from "../types.ts";
import type { Claim, LocalStore } from "./store.ts";

/** Hands the messages of one stored queue to its subscriptions. Nothing polls: it is woken by publishes, settlements and timers. */
export type LocalQueue = {
  /** A message may have become available. */
  wake(): void;
  subscribe(concurrency: number, ackWaitMs: number): Subscription;
  /** Stops all subscriptions and timers; resolves when nothing of it touches the store any more. */
  close(): Promise<void>;
};

type Member = { free(): number; push(claim: Claim): void; stop(): void; abandon(): void };

/** Timers take at most 2^31 - 1 ms. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Makes the dispatcher of a stored queue. */
export function createLocalQueue(store: LocalStore, queue: number, now: () => number): LocalQueue {
  const members = new Set<Member>();
  const all = new Set<Member>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let dispatching: Promise<void> | undefined;
  let again = false;
  let closed = false;

  function wake(): void {
    again = true;
    if (!closed) dispatching ??= dispatch().finally(() => (dispatching = undefined));
  }

  async function dispatch(): Promise<void> {
    while (again && !closed) {
      again = false;
      clearTimeout(timer);
      const wanted = [...members].reduce((sum, member) => sum + member.free(), 0);
      if (wanted === 0) return;
      const claims = await store.claim(queue, wanted, now());
      for (const claim of claims) await assign(claim);
      if (claims.length < wanted) await sleepUntilNext();
    }
  }

  /** To the member that has waited longest: a Set keeps the order, and who got one goes to the end. */
  async function assign(claim: Claim): Promise<void> {
    const member = [...members].find((candidate) => candidate.free() > 0);
    if (!member) {
      await store.release(queue, claim.sequence, claim.delivery, 0, true); // its subscription stopped in between
      again = true;
      return;
    }
    members.delete(member);
    members.add(member);
    member.push(claim);
  }

  async function sleepUntilNext(): Promise<void> {
    const at = await store.nextAvailableMs(queue);
    if (at === undefined || again || closed) return;
    timer = setTimeout(wake, Math.min(MAX_TIMER_MS, Math.max(0, at - now()) + 1));
  }

  function subscribe(concurrency: number, ackWaitMs: number): Subscription {
    const subscription = createSubscription({
      store,
      queue,
      now,
      concurrency,
      ackWaitMs,
      wake,
      leave: () => members.delete(subscription),
      disposed: () => all.delete(subscription),
    });
    members.add(subscription);
    all.add(subscription);
    wake();
    return subscription;
  }

  return {
    wake,
    subscribe,
    async close() {
      closed = true;
      clearTimeout(timer);
      for (const member of all) {
        member.stop();
        member.abandon();
      }
      await dispatching;
    },
  };
}

type SubscriptionParts = {
  store: LocalStore;
  queue: number;
  now: () => number;
  concurrency: number;
  ackWaitMs: number;
  wake: () => void;
  leave: () => void;
  disposed: () => void;
};

function createSubscription({
  store,
  queue,
  now,
  concurrency,
  ackWaitMs,
  wake,
  leave,
  disposed,
}: SubscriptionParts): Subscription & Member {
  const leases = new Map<number, { claim: Claim; timer: ReturnType<typeof setTimeout> }>();
  const ready: Claim[] = [];
  let arrival = Promise.withResolvers<void>();
  let stopped = false;

  /** Ends a lease here; false if it has ended before. */
  const end = ({ sequence, delivery }: Claim) => {
    const lease = leases.get(sequence);
    if (lease?.claim.delivery !== delivery) return false;
    clearTimeout(lease.timer);
    return leases.delete(sequence);
  };
  const release = async (claim: Claim, delayMs: number, uncounted = false) => {
    if (!end(claim)) return;
    await store.release(queue, claim.sequence, claim.delivery, delayMs === 0 ? 0 : now() + delayMs, uncounted);
    wake();
  };
  const hold = (claim: Claim) => {
    clearTimeout(leases.get(claim.sequence)?.timer);
    // A store that fails here is closed or broken; the message is available again when it is next opened.
    const timer = setTimeout(() => void release(claim, 0).catch(() => undefined), ackWaitMs);
    leases.set(claim.sequence, { claim, timer });
  };
  const settle = async (claim: Claim, outcome: Outcome) => {
    const { sequence, delivery } = claim;
    switch (outcome.type) {
      case "working":
        if (leases.get(sequence)?.claim.delivery === delivery) hold(claim);
        return;
      case "nak":
        return release(claim, outcome.delayMs);
      case "ack":
        end(claim);
        await store.remove(queue, sequence, delivery);
        return wake();
      case "terminate":
        end(claim);
        await store.bury(queue, sequence, delivery, outcome.reason, now());
        return wake();
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
    free: () => (stopped ? 0 : concurrency - leases.size),
    push(claim) {
      hold(claim);
      ready.push(claim);
      arrival.resolve();
    },
    stop() {
      if (stopped) return;
      stopped = true;
      leave();
      for (const claim of ready.splice(0)) void release(claim, 0, true).catch(() => undefined);
      arrival.resolve();
    },
    abandon() {
      for (const { timer } of leases.values()) clearTimeout(timer);
    },
    async *[Symbol.asyncIterator]() {
      for (;;) {
        const claim = ready.shift();
        if (claim) yield toDelivery(claim);
        else if (stopped) return;
        else {
          arrival = Promise.withResolvers<void>();
          await arrival.promise;
        }
      }
    },
    async [Symbol.asyncDispose]() {
      this.stop();
      disposed();
      await Promise.all([...leases.values()].map(({ claim }) => release(claim, 0)));
    },
  };
}
