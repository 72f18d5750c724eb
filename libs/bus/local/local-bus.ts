import { createBus } from "../bus.ts";
import type { Bus } from "../types.ts";
import { createLocalQueue, type LocalQueue } from "./queue.ts";
import { openLocalStore } from "./store.ts";

/**
 * The bus of an embedded system: queues in an SQLite file, or ":memory:" for tests. What was published survives the
 * process; what its consumers had in hand is delivered again when the file is opened next. One process at a time may open a file.
 */
export async function openLocalBus({ path, now = Date.now }: { path: string; now?: () => number }): Promise<Bus> {
  const store = await openLocalStore(path, now());
  const queues = new Map<number, LocalQueue>();
  let closed = false;
  const assertOpen = () => {
    if (closed) throw new Error(`the bus ${path} is closed`);
  };

  return createBus({
    async publish(message, { signal }) {
      assertOpen();
      signal?.throwIfAborted();
      for (const queue of (await store.publish(message, now())) ?? []) queues.get(queue)?.wake();
    },
    async subscribe({ durable, subject, concurrency, ackWaitMs }) {
      assertOpen();
      const id = await store.queue(durable, subject);
      const queue = queues.get(id) ?? createLocalQueue(store, id, now);
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
