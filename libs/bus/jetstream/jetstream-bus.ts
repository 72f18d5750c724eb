import { JetStreamApiError } from "@nats-io/jetstream";
import { InvalidArgumentError } from "@nats-io/transport-node";
import { createBus } from "../bus.ts";
import { BusRefusedError, BusUnavailableError } from "../errors.ts";
import type { ConsumerDeclaration, StreamDeclaration } from "../streams.ts";
import type { Bus, SubscribeOptions } from "../types.ts";
import type { NatsAccess } from "./access.ts";
import { listDeadLetters } from "./dead-letters.ts";
import { consumerName, deadLetterStream, type PullConsumer, reconcile, streamOf } from "./declared.ts";
import { toNatsHeaders } from "./headers.ts";
import { type BusLog, openLink, type Session } from "./link.ts";
import { createResets } from "./resets.ts";
import { createSubscription } from "./subscription.ts";
import { watchStreams } from "./watch.ts";

const PUBLISH_TIMEOUT_MS = 2_000;
const CHECK_TIMEOUT_MS = 1_000;
const DEFAULT_MAX_ACK_PENDING = 1_000;

/** How the bus on NATS is reached, and what it keeps there. */
export type JetStreamOptions = NatsAccess & {
  /** `host:port` of a server, or of several of one cluster. */
  servers: string | readonly string[];
  streams: readonly StreamDeclaration[];
  /** Durables that are not declared get their consumers when they subscribe. */
  consumers?: readonly ConsumerDeclaration[];
  log?: BusLog;
};

/** See `connectJetStream`. */
export function createJetStreamBus({ servers, streams, consumers = [], log, ...access }: JetStreamOptions): Bus {
  const declared = [...streams, deadLetterStream];
  const own = consumers.flatMap((consumer) => pullConsumers(declared, consumer, true));
  /** Those that others subscribed to, while they do. */
  const asked = new Map<string, { readonly consumer: PullConsumer; users: number }>();
  const ackWaits = new Map(consumers.map(({ durable, ackWaitMs }) => [durable, ackWaitMs]));
  const resets = createResets(log);
  let drift: ReadonlyMap<string, string> = new Map();

  const prepare = async ({ manager }: Session) => {
    const found = await reconcile(manager, declared, [...own, ...[...asked.values()].map(({ consumer }) => consumer)]);
    for (const [name, text] of found.drift) if (drift.get(name) !== text) log?.warn({ drift: text }, "the bus is not as declared");
    drift = found.drift;
    resets.found(found);
  };
  const link = openLink({ servers: typeof servers === "string" ? [servers] : servers, access, prepare, log });

  const subscriptionOf = (options: SubscribeOptions) => {
    const { durable, subjects, ackWaitMs } = options;
    const declaredWaitMs = ackWaits.get(durable);
    if (declaredWaitMs !== undefined && declaredWaitMs !== ackWaitMs)
      throw new BusRefusedError("ackWaitMs", `${durable} is declared with an ack wait of ${declaredWaitMs} ms; got ${ackWaitMs} ms`);
    const maxAckPending = consumers.find((one) => one.durable === durable)?.maxAckPending ?? DEFAULT_MAX_ACK_PENDING;
    const all = pullConsumers(declared, { durable, subjects, ackWaitMs, maxAckPending }, false);
    const others = all.filter(({ name }) => !own.some((one) => one.name === name));
    for (const { name } of others) {
      const known = asked.get(name)?.consumer.ackWaitMs ?? ackWaitMs;
      if (known !== ackWaitMs)
        throw new BusRefusedError("ackWaitMs", `${durable} is in use with an ack wait of ${known} ms; got ${ackWaitMs} ms`);
    }
    for (const consumer of others) {
      const entry = asked.get(consumer.name) ?? { consumer, users: 0 };
      entry.users++;
      asked.set(consumer.name, entry);
    }
    let forgotten = false;
    const forget = () => {
      if (forgotten) return;
      forgotten = true;
      for (const { name } of others) {
        const entry = asked.get(name);
        if (entry && --entry.users === 0) asked.delete(name);
      }
    };
    const declare = async ({ manager }: Session) => {
      const [refused] = (await reconcile(manager, [], others)).refused.values();
      if (refused !== undefined) throw new BusRefusedError("durable", refused);
    };
    return createSubscription({ link, options, consumers: all, declare, repair: prepare, forget });
  };

  return createBus({
    async publish({ id, subject, payload, headers }, { signal }) {
      signal?.throwIfAborted();
      const { name } = streamOf(declared, subject, "subject");
      const session = await link.session(PUBLISH_TIMEOUT_MS);
      const wrong = drift.get(name);
      if (wrong !== undefined) throw new BusUnavailableError(wrong);
      const options = { msgID: id, headers: toNatsHeaders(headers), timeout: PUBLISH_TIMEOUT_MS };
      await telling(async () => {
        try {
          await session.client.publish(subject, payload, options);
        } catch (error) {
          if (session.lost.aborted || isTooLarge(error)) throw error;
          // Streams may be gone without the connection. If it is something else, the second try tells.
          await prepare(session);
          await session.client.publish(subject, payload, options);
        }
      });
    },
    subscribe: async (options) => subscriptionOf(options),
    async deadLetters() {
      const { client, manager } = await link.session(PUBLISH_TIMEOUT_MS);
      return telling(() => listDeadLetters(client, manager));
    },
    async unsettled(subject) {
      const { name } = streamOf(declared, subject, "subject");
      const { manager } = await link.session(PUBLISH_TIMEOUT_MS);
      const { state } = await telling(() => manager.streams.info(name, { subjects_filter: subject }));
      return state.subjects?.[subject] ?? 0;
    },
    watch: (options) => watchStreams(link, declared, options, log),
    async check() {
      const { connection } = await link.session(CHECK_TIMEOUT_MS);
      try {
        await connection.request("$JS.API.INFO", undefined, { timeout: CHECK_TIMEOUT_MS });
      } catch (cause) {
        throw new Error(`NATS at ${connection.getServer()} does not answer: ${(cause as Error).message}`, { cause });
      }
      if (drift.size > 0) throw new Error([...drift.values()].join("; "));
    },
    onReset: resets.listen,
    close: () => link.close(),
  });
}

function pullConsumers(
  streams: readonly StreamDeclaration[],
  { durable, subjects, ackWaitMs, maxAckPending }: ConsumerDeclaration,
  declared: boolean,
) {
  return subjects.map((subject): PullConsumer => {
    const stream = streamOf(streams, subject).name;
    return { stream, name: consumerName(durable, subject), subject, ackWaitMs, maxAckPending, declared };
  });
}

/** JetStream's "message size exceeds maximum allowed", of a stream. */
const MESSAGE_TOO_LARGE = 10_054;

/** The message is larger than the server, or its stream, is set to take. */
function isTooLarge(error: unknown): boolean {
  return error instanceof InvalidArgumentError || (error instanceof JetStreamApiError && error.code === MESSAGE_TOO_LARGE);
}

/** Says of what the broker did not do whether trying again may help. */
async function telling<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    if (isTooLarge(cause)) throw new BusRefusedError("payload", `NATS does not take the message: ${reason}`, { cause });
    throw new BusUnavailableError(`NATS did not do it: ${reason}`, { cause });
  }
}
