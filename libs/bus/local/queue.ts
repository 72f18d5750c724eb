import { LONGEST_TIMER_MS } from "#libs/concurrency";
import type { Subscription } from "../types.ts";
import type { Claim } from "./claims.ts";
import type { QueueParts } from "./queue-parts.ts";
import { createSubscription, type Member } from "./subscription.ts";

/** Hands the messages of one durable's stored queues to its subscriptions. Nothing polls: it is woken by publishes, settlements and timers. */
export type LocalQueue = {
  /** A message may have become available. */
  wake(): void;
  /** `queues`: those of the subscription's subjects. */
  subscribe(queues: readonly number[], concurrency: number, ackWaitMs: number): Subscription;
  /** Stops all subscriptions and timers; resolves when nothing of it touches the store any more. */
  close(): Promise<void>;
};

const FIRST_RETRY_MS = 50;
const LAST_RETRY_MS = 5_000;

/** Makes the dispatcher of a durable. */
export function createLocalQueue(parts: QueueParts): LocalQueue {
  const { store, now, onError } = parts;
  const members = new Set<Member>();
  const all = new Set<Member>();
  /** Claimed, and in no member's hands: the store failed before they could be given back. */
  const stray: Claim[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  let retry: ReturnType<typeof setTimeout> | undefined;
  let retryMs = FIRST_RETRY_MS;
  let dispatching: Promise<void> | undefined;
  let again = false;
  let closed = false;

  function wake(): void {
    again = true;
    if (!closed && retry === undefined) dispatching ??= dispatch().finally(() => (dispatching = undefined));
  }

  async function dispatch(): Promise<void> {
    while (again && !closed) {
      again = false;
      clearTimeout(timer);
      try {
        await hand();
        retryMs = FIRST_RETRY_MS;
      } catch (error) {
        if (!closed) retryLater(error);
        return;
      }
    }
  }

  function retryLater(error: unknown): void {
    retry = setTimeout(() => {
      retry = undefined;
      wake();
    }, retryMs);
    retryMs = Math.min(LAST_RETRY_MS, 2 * retryMs);
    onError(error);
  }

  async function hand(): Promise<void> {
    await assign();
    const dry: number[] = [];
    // Members that take the same are served together, those first whose first has waited longest.
    for (const { queues, wanted } of wishes([...members])) {
      const claims = await store.claim(queues, wanted, now());
      stray.push(...claims);
      await assign();
      if (claims.length < wanted) dry.push(...queues);
    }
    if (dry.length > 0) await sleepUntilNext(dry);
  }

  /** Each to the member that has waited longest: a Set keeps the order, and who got one goes to the end. */
  async function assign(): Promise<void> {
    for (let claim = stray[0]; claim !== undefined; claim = stray[0]) {
      const member = [...members].find(({ queues, free }) => queues.includes(claim.queue) && free() > 0);
      if (member) {
        members.delete(member);
        members.add(member);
        member.push(claim);
      } else {
        await store.release(claim.queue, claim.sequence, claim.delivery, 0, true); // its subscription stopped in between
        again = true;
      }
      stray.shift();
    }
  }

  async function sleepUntilNext(queues: readonly number[]): Promise<void> {
    const at = await store.nextAvailableMs(queues);
    if (at === undefined || again || closed) return;
    timer = setTimeout(wake, Math.min(LONGEST_TIMER_MS, Math.max(0, at - now()) + 1));
  }

  function subscribe(queues: readonly number[], concurrency: number, ackWaitMs: number): Subscription {
    const subscription = createSubscription({
      ...parts,
      queues,
      concurrency,
      ackWaitMs,
      wake,
      closed: () => closed,
      leave: () => members.delete(subscription),
      empty: () => all.delete(subscription),
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
      clearTimeout(retry);
      for (const member of all) {
        member.stop();
        member.abandon();
      }
      await dispatching;
    },
  };
}

/** What the members could take now, by the queues that they take from. */
function wishes(members: readonly Member[]): { queues: readonly number[]; wanted: number }[] {
  const byQueues = new Map<string, { queues: readonly number[]; wanted: number }>();
  for (const { queues, free } of members) {
    if (free() === 0) continue;
    const key = queues.join();
    const wish = byQueues.get(key) ?? { queues, wanted: 0 };
    wish.wanted += free();
    byQueues.set(key, wish);
  }
  return [...byQueues.values()];
}
