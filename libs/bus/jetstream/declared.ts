import {
  AckPolicy,
  type ConsumerConfig,
  DeliverPolicy,
  DiscardPolicy,
  JetStreamApiError,
  type JetStreamManager,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
} from "@nats-io/jetstream";
import { nanos } from "@nats-io/transport-node";
import { BusRefusedError } from "../errors.ts";
import { keeps, type StreamDeclaration } from "../streams.ts";

/** Where messages go that were given up: one subject per durable. */
export const deadLetterStream: StreamDeclaration = { name: "DEAD_LETTERS", subjects: ["dead-letters.>"], retention: "events", maxAgeMs: 0 };

/** The pull consumer of one durable on one subject. */
export type PullConsumer = {
  readonly stream: string;
  readonly name: string;
  readonly subject: string;
  readonly ackWaitMs: number;
  readonly maxAckPending: number;
  /** It is one of those that a system declares; others are made for who asks, and are as the last one asks. */
  readonly declared: boolean;
};

/** What was found where streams and consumers are kept. */
export type Found = {
  /** When each stream was made, by name: one that is made anew has nothing of what the old one had. */
  readonly created: ReadonlyMap<string, string>;
  /** Streams that were missing and are made now. */
  readonly made: readonly string[];
  /** What is not as declared, one sentence each, by the name of the stream or consumer. It stays as it is. */
  readonly drift: ReadonlyMap<string, string>;
  /** Consumers that the server refuses to have, and why, by name. */
  readonly refused: ReadonlyMap<string, string>;
};

/** How long the server remembers ids. An outbox tries again within seconds after it is back. */
const DUPLICATE_WINDOW_MS = 10 * 60_000;
/** Trainers that may wait at one queue. */
const MAX_WAITING = 4096;

/**
 * Makes the streams and consumers that are missing. What is there and is not as declared stays as it is, and is told: replacing it would
 * lose messages.
 */
export async function reconcile(
  manager: JetStreamManager,
  streams: readonly StreamDeclaration[],
  consumers: readonly PullConsumer[],
): Promise<Found> {
  const created = new Map<string, string>();
  const made: string[] = [];
  const drift = new Map<string, string>();
  const refused = new Map<string, string>();
  for (const declared of streams) {
    const config = streamConfig(declared);
    const there = await orMissing(manager.streams.info(declared.name));
    if (there) tell(drift, declared.name, differences(`stream ${declared.name}`, comparable(config), comparable(there.config)));
    else made.push(declared.name);
    created.set(declared.name, (there ?? (await manager.streams.add(config))).created);
  }
  await Promise.all(
    consumers.map(async (consumer) => {
      try {
        await reconcileConsumer(manager, consumer, drift);
      } catch (error) {
        // One that cannot be keeps nobody else from the bus.
        if (!isRefusal(error)) throw error;
        const { name, stream, declared } = consumer;
        refused.set(name, `consumer ${name} of ${stream} is refused: ${error.message}`);
        if (declared) drift.set(name, refused.get(name)!);
      }
    }),
  );
  return { created, made, drift, refused };
}

async function reconcileConsumer(manager: JetStreamManager, consumer: PullConsumer, drift: Map<string, string>): Promise<void> {
  const { stream, name, declared } = consumer;
  const config = consumerConfig(consumer);
  const there = await orMissing(manager.consumers.info(stream, name));
  if (!there) {
    await manager.consumers.add(stream, config);
    return;
  }
  const different = differences(`consumer ${name} of ${stream}`, comparableConsumer(config), comparableConsumer(there.config));
  if (declared) tell(drift, name, different);
  else if (different !== undefined) await manager.consumers.update(stream, name, config);
}

/** The server has understood, and will not do it: trying again does not help. */
function isRefusal(error: unknown): error is Error {
  return error instanceof JetStreamApiError && error.status >= 400 && error.status < 500;
}

/** Finds the stream that keeps a subject, which is that of a message or one of several. @throws BusRefusedError if none does */
export function streamOf(
  declarations: readonly StreamDeclaration[],
  subject: string,
  field: "subject" | "subjects" = "subjects",
): StreamDeclaration {
  const stream = declarations.find((declared) => keeps(declared, subject));
  if (!stream)
    throw new BusRefusedError(
      field,
      `no declared stream keeps ${subject}; declared are ${declarations.map(({ name }) => name).join(", ")}`,
    );
  return stream;
}

/** The name of the pull consumer of a durable on a subject. */
export function consumerName(durable: string, subject: string): string {
  return `${durable}-${subject.replaceAll(".", "_")}`;
}

function streamConfig({ name, subjects, retention, maxAgeMs }: StreamDeclaration) {
  return {
    name,
    subjects: [...subjects],
    retention: retention === "work" ? RetentionPolicy.Workqueue : RetentionPolicy.Limits,
    storage: StorageType.File,
    // "old" would drop work that nobody has taken yet.
    discard: DiscardPolicy.New,
    max_age: nanos(maxAgeMs),
    duplicate_window: nanos(maxAgeMs === 0 ? DUPLICATE_WINDOW_MS : Math.min(maxAgeMs, DUPLICATE_WINDOW_MS)),
  };
}

function consumerConfig({ name, subject, ackWaitMs, maxAckPending }: PullConsumer) {
  return {
    durable_name: name,
    filter_subject: subject,
    ack_policy: AckPolicy.Explicit,
    deliver_policy: DeliverPolicy.All,
    ack_wait: nanos(ackWaitMs),
    max_ack_pending: maxAckPending,
    max_waiting: MAX_WAITING,
    // Deliveries are counted where messages are handled: the server would only stop delivering, and keep the message.
    max_deliver: -1,
  };
}

type Comparable = Readonly<Record<string, string>>;

function comparable(
  config: Pick<StreamConfig, "subjects" | "retention" | "storage" | "discard" | "max_age" | "duplicate_window">,
): Comparable {
  const { subjects, retention, storage, discard, max_age, duplicate_window } = config;
  const texts = { retention, storage, discard, max_age: milliseconds(max_age), duplicate_window: milliseconds(duplicate_window) };
  return { subjects: [...subjects].sort().join(", "), ...texts };
}

function comparableConsumer(config: Partial<ConsumerConfig>): Comparable {
  const { filter_subject, ack_policy, deliver_policy, ack_wait, max_ack_pending, max_deliver } = config;
  return {
    filter_subject: filter_subject ?? "",
    ack_policy: ack_policy ?? "",
    deliver_policy: deliver_policy ?? "",
    ack_wait: milliseconds(ack_wait ?? 0),
    max_ack_pending: String(max_ack_pending),
    max_deliver: String(max_deliver),
  };
}

function milliseconds(nanoseconds: number): string {
  return `${nanoseconds / 1e6} ms`;
}

function differences(what: string, declared: Comparable, there: Comparable): string | undefined {
  const different = Object.keys(declared).filter((key) => declared[key] !== there[key]);
  if (different.length === 0) return undefined;
  return `${what} is not as declared: ${different.map((key) => `${key} is "${there[key]}", declared is "${declared[key]}"`).join("; ")}`;
}

function tell(drift: Map<string, string>, name: string, text: string | undefined): void {
  if (text !== undefined) drift.set(name, text);
}

async function orMissing<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof JetStreamApiError && error.status === 404) return undefined;
    throw error;
  }
}
