import { createBus } from "../bus.ts";
import type { StreamDeclaration } from "../streams.ts";
import type { Bus } from "../types.ts";
import { createLocalQueue, type LocalQueue } from "./queue.ts";
import { openLocalStore } from "./store.ts";

/** At most so often does publishing prune. */
const PRUNE_EVERY_MS = 10 * 60_000;

/** How a local bus is opened. */
export type LocalBusOptions = {
  /** The SQLite file, or ":memory:". */
  path: string;
  /** How long the messages of which subjects are kept; the others a week. */
  streams?: readonly StreamDeclaration[];
  /** Milliseconds since 1970. */
  now?: () => number;
  /** Hears of what goes wrong with nobody waiting for it, such as a full disk under a delivery. It is tried again. */
  onError?: (error: unknown) => void;
};

/**
 * The bus of an embedded system: queues in an SQLite file, or ":memory:" for tests. What was published survives the
 * process; what its consumers had in hand is delivered again when the file is opened next. One process at a time may open a file.
 */
export async function openLocalBus({ path, streams = [], now = Date.now, onError = () => {} }: LocalBusOptions): Promise<Bus> {
  let prunedMs = now();
  const store = await openLocalStore(path, streams, prunedMs);
  const queues = new Map<number, LocalQueue>();
  let closed = false;
  const assertOpen = () => {
    if (closed) throw new Error(`the bus ${path} is closed`);
  };
  // Only publishing makes the file grow, so nothing has to happen while nobody publishes.
  const pruneIfDue = () => {
    if (closed || now() - prunedMs < PRUNE_EVERY_MS) return;
    prunedMs = now();
    store.prune(prunedMs).catch(onError);
  };

  return createBus({
    async publish(message, { signal }) {
      assertOpen();
      signal?.throwIfAborted();
      for (const queue of (await store.publish(message, now())) ?? []) queues.get(queue)?.wake();
      pruneIfDue();
    },
    async subscribe({ durable, subject, concurrency, ackWaitMs }) {
      assertOpen();
      const id = await store.queue(durable, subject);
      const queue = queues.get(id) ?? createLocalQueue({ store, queue: id, now, onError });
      queues.set(id, queue);
      return queue.subscribe(concurrency, ackWaitMs);
    },
    async deadLetters() {
      assertOpen();
      return store.deadLetters();
    },
    async close() {
      if (closed) return;
      closed = true;
      await Promise.all([...queues.values()].map((queue) => queue.close()));
      await store[Symbol.asyncDispose]();
    },
  });
}
