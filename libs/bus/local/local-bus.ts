import { createPulse } from "#libs/concurrency";
import { createBus } from "../bus.ts";
import type { StreamDeclaration } from "../streams.ts";
import type { Bus } from "../types.ts";
import { createLocalQueue, type LocalQueue } from "./queue.ts";

/** At most so often does publishing prune. */
const PRUNE_EVERY_MS = 10 * 60_000;
const WATCHED_AT_ONCE = 100;

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
 * @example
 * ```ts
 * import { StringValueSchema } from "@bufbuild/protobuf/wkt";
 * await using bus = await openLocalBus({ path: ":memory:" });
 * const said = topic("ratatouille.v1.word.said", StringValueSchema);
 * const stop = new AbortController();
 * const heard: string[] = [];
 * const consuming = bus.consume(said, { durable: "listener", concurrency: 1, signal: stop.signal }, async ({ value }) => {
 *   heard.push(value);
 *   if (heard.length === 2) stop.abort();
 * });
 * for (const word of ["hi", "there", "hi"]) await bus.publish(event(said, `${word}/said`, { value: word }));
 * await consuming;
 * heard; // ["hi", "there"]
 * ```
 */
export async function openLocalBus({ path, streams = [], now = Date.now, onError = () => {} }: LocalBusOptions): Promise<Bus> {
  let prunedMs = now();
  // A program that talks to another bus starts without the database.
  const { openLocalStore } = await import("./store.ts");
  const store = await openLocalStore(path, streams, prunedMs);
  const queues = new Map<number, LocalQueue>();
  const durables = new Map<string, LocalQueue>();
  const published = createPulse();
  const closing = new AbortController();
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
      published.beat();
      pruneIfDue();
    },
    async subscribe({ durable, subjects, concurrency, ackWaitMs }) {
      assertOpen();
      const queue = durables.get(durable) ?? createLocalQueue({ store, now, onError });
      durables.set(durable, queue);
      const own = await Promise.all(subjects.map((subject) => store.queue(durable, subject)));
      for (const id of own) queues.set(id, queue);
      return queue.subscribe(own.sort(), concurrency, ackWaitMs);
    },
    async *watch({ subjects, sinceMs, signal }) {
      assertOpen();
      const ending = AbortSignal.any([signal, closing.signal]);
      let position = await store.position(sinceMs);
      while (!ending.aborted) {
        const seen = published.version;
        const messages = await store.after(subjects, position, WATCHED_AT_ONCE);
        for (const { position: at, ...message } of messages) {
          if (ending.aborted) return;
          yield message;
          position = at;
        }
        if (messages.length === 0) await published.changed(seen, ending);
      }
    },
    async check() {
      assertOpen();
      await store.check();
    },
    onReset: () => ({ [Symbol.dispose]() {} }),
    async unsettled(subject) {
      assertOpen();
      return store.count(subject);
    },
    async deadLetters() {
      assertOpen();
      return store.deadLetters();
    },
    async close() {
      if (closed) return;
      closed = true;
      closing.abort();
      await Promise.all([...durables.values()].map((queue) => queue.close()));
      await store[Symbol.asyncDispose]();
    },
  });
}
