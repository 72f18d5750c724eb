import { createBus } from "../bus.ts";
import type { ConsumerDeclaration, StreamDeclaration } from "../streams.ts";
import type { Bus, SubscribeOptions } from "../types.ts";
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
export type JetStreamOptions = {
  /** `host:port` of a server, or of several of one cluster. */
  servers: string | readonly string[];
  streams: readonly StreamDeclaration[];
  /** Durables that are not declared get their consumers when they subscribe. */
  consumers?: readonly ConsumerDeclaration[];
  log?: BusLog;
};

/**
 * The bus on NATS JetStream. It resolves at once, also when no server is there: the connection is opened, and opened again, for ever;
 * meanwhile publishing fails within seconds and consumers wait. At each connection the declared streams and consumers are made if they are
 * missing. One that is not as declared stays as it is: `check()` and the log tell of it, and nothing is published to such a stream. A
 * message whose consumer was killed is delivered again after its ack wait. Ids are remembered for ten minutes.
 */
export async function connectJetStream({ servers, streams, consumers = [], log }: JetStreamOptions): Promise<Bus> {
  const declared = [...streams, deadLetterStream];
  const wanted = new Map(consumers.flatMap((consumer) => pullConsumers(declared, consumer)).map((one) => [one.name, one]));
  const ackWaits = new Map(consumers.map(({ durable, ackWaitMs }) => [durable, ackWaitMs]));
  const resets = createResets(log);
  let drift: ReadonlyMap<string, string> = new Map();

  const prepare = async ({ manager }: Session) => {
    const found = await reconcile(manager, declared, [...wanted.values()]);
    for (const [name, text] of found.drift) if (drift.get(name) !== text) log?.warn({ drift: text }, "the bus is not as declared");
    drift = found.drift;
    resets.found(found);
  };
  const link = openLink({ servers: typeof servers === "string" ? [servers] : servers, prepare, log });

  const subscriptionOf = (options: SubscribeOptions) => {
    const { durable, subjects, ackWaitMs } = options;
    const declaredWaitMs = ackWaits.get(durable);
    if (declaredWaitMs !== undefined && declaredWaitMs !== ackWaitMs)
      throw new RangeError(`${durable} is declared with an ack wait of ${declaredWaitMs} ms; got ${ackWaitMs} ms`);
    const own = pullConsumers(declared, { durable, subjects, ackWaitMs, maxAckPending: DEFAULT_MAX_ACK_PENDING });
    for (const consumer of own) if (!wanted.has(consumer.name)) wanted.set(consumer.name, consumer);
    return createSubscription({ link, options, consumers: own, repair: prepare });
  };

  return createBus({
    async publish({ id, subject, payload, headers }, { signal }) {
      signal?.throwIfAborted();
      const { name } = streamOf(declared, subject);
      const session = await link.session(PUBLISH_TIMEOUT_MS);
      const wrong = drift.get(name);
      if (wrong !== undefined) throw new Error(wrong);
      const options = { msgID: id, headers: toNatsHeaders(headers), timeout: PUBLISH_TIMEOUT_MS };
      try {
        await session.client.publish(subject, payload, options);
      } catch (error) {
        if (session.lost.aborted) throw error;
        // Streams may be gone without the connection. If it is something else, the second try tells.
        await prepare(session);
        await session.client.publish(subject, payload, options);
      }
    },
    subscribe: async (options) => subscriptionOf(options),
    async deadLetters() {
      const { client, manager } = await link.session(PUBLISH_TIMEOUT_MS);
      return listDeadLetters(client, manager);
    },
    watch: (options) => watchStreams(link, declared, options),
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

function pullConsumers(streams: readonly StreamDeclaration[], { durable, subjects, ackWaitMs, maxAckPending }: ConsumerDeclaration) {
  return subjects.map((subject): PullConsumer => {
    const stream = streamOf(streams, subject).name;
    return { stream, name: consumerName(durable, subject), subject, ackWaitMs, maxAckPending };
  });
}
