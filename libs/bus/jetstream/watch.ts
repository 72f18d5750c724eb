import { setTimeout as sleep } from "node:timers/promises";
import { DeliverPolicy } from "@nats-io/jetstream";
import { createPulse } from "#libs/concurrency";
import { createWatchPosition, type WatchPosition } from "../follow.ts";
import { merge } from "../merge.ts";
import type { StreamDeclaration } from "../streams.ts";
import type { WatchedMessage, WatchOptions } from "../types.ts";
import { streamOf } from "./declared.ts";
import { fromNatsHeaders } from "./headers.ts";
import type { BusLog, Link, Session } from "./link.ts";

const RETRY_MS = 200;
/** What is kept of the work that a watcher has not read yet. */
const KEPT_MESSAGES = 1000;
const KEPT_BYTES = 4 << 20;

/**
 * Follows subjects in all their streams. Events are read from their stream, from the last one seen on; work, which no second consumer may
 * read, is overheard as it is published, while there is a connection.
 */
export async function* watchStreams(
  link: Link,
  streams: readonly StreamDeclaration[],
  options: WatchOptions,
  log: BusLog | undefined,
): AsyncGenerator<WatchedMessage> {
  const left = new AbortController();
  const ending = AbortSignal.any([options.signal, left.signal]);
  const byStream = Map.groupBy(options.subjects, (subject) => streamOf(streams, subject));
  const followers = [...byStream].map(([stream, subjects]) => {
    const position = createWatchPosition(options.sinceMs);
    const open = stream.retention === "work" ? overhear : read;
    return follow(link, ending, (session, signal) => open(session, { stream: stream.name, subjects, position, signal, log }));
  });
  try {
    yield* merge(followers);
  } finally {
    left.abort();
  }
}

type Following = { stream: string; subjects: readonly string[]; position: WatchPosition; signal: AbortSignal; log: BusLog | undefined };

async function* follow(
  link: Link,
  signal: AbortSignal,
  open: (session: Session, signal: AbortSignal) => AsyncIterable<WatchedMessage>,
): AsyncGenerator<WatchedMessage> {
  for (let session = await link.wait(signal); session; session = await link.wait(signal)) {
    try {
      yield* open(session, AbortSignal.any([signal, session.lost]));
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof RangeError) throw error;
    }
    await sleep(RETRY_MS, undefined, { signal }).catch(() => undefined);
  }
}

async function* read({ client, manager }: Session, { stream, subjects, position, signal }: Following): AsyncGenerator<WatchedMessage> {
  const { state, ts } = await manager.streams.info(stream);
  const start =
    position.sinceMs === undefined
      ? { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: state.last_seq + 1 }
      : { deliver_policy: DeliverPolicy.StartTime, opt_start_time: new Date(position.sinceMs).toISOString() };
  position.begin(Date.parse(ts ?? new Date().toISOString()));
  const consumer = await client.consumers.get(stream, { filter_subjects: [...subjects], ...start });
  const messages = await consumer.consume();
  const close = () => void messages.close();
  signal.addEventListener("abort", close, { once: true });
  if (signal.aborted) close();
  try {
    for await (const received of messages) {
      const { subject, data: payload, time } = received;
      const message = { ...fromNatsHeaders(received.headers), subject, payload, atMs: time.getTime() };
      if (position.pass(message)) yield message;
    }
  } finally {
    signal.removeEventListener("abort", close);
    await messages.close();
  }
}

/** NATS goes on sending what nobody has read yet: of a slow watcher's messages the newest are kept, and how many it missed is told. */
async function* overhear({ connection }: Session, { subjects, signal, log }: Following): AsyncGenerator<WatchedMessage> {
  const heard: WatchedMessage[] = [];
  const news = createPulse();
  let bytes = 0;
  let missed = 0;
  const take = () => {
    const message = heard.shift();
    if (message) bytes -= message.payload.length;
    return message;
  };
  const subscriptions = subjects.map((subject) =>
    connection.subscribe(subject, {
      callback: (error, message) => {
        if (error) return;
        const { subject, data: payload, headers } = message;
        heard.push({ ...fromNatsHeaders(headers), subject, payload, atMs: Date.now() });
        bytes += payload.length;
        for (; heard.length > KEPT_MESSAGES || (bytes > KEPT_BYTES && heard.length > 1); missed++) take();
        news.beat();
      },
    }),
  );
  try {
    while (!signal.aborted) {
      const seen = news.version;
      for (let message = take(); message && !signal.aborted; message = take()) {
        yield message;
        if (missed > 0) log?.warn({ subjects, missed }, "a watcher is slow; it misses messages");
        missed = 0;
      }
      await news.changed(seen, signal);
    }
  } finally {
    for (const subscription of subscriptions) subscription.unsubscribe();
  }
}
