import { AckPolicy, type Consumer, DeliverPolicy, jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect, type NatsConnection, nanos } from "@nats-io/transport-node";
import { createBus } from "../bus.ts";
import type { StreamDeclaration } from "../streams.ts";
import type { Bus, SubscribeOptions } from "../types.ts";
import { listDeadLetters } from "./dead-letters.ts";
import { toNatsHeaders } from "./headers.ts";
import { deadLetterStream, ensureStreams, streamOf } from "./streams.ts";
import { createSubscription } from "./subscription.ts";

const CONNECT_TIMEOUT_MS = 5_000;
const PUBLISH_TIMEOUT_MS = 2_000;
const RECONNECT_MS = 250;
const CLOSE_MS = 1_000;

/**
 * The bus on NATS JetStream. Makes the declared streams if they are missing, and the durable consumers as they are used.
 * A lost connection is opened again for ever; meanwhile publishing fails and consumers wait. A message whose consumer was
 * killed is delivered again after its ack wait. Ids are remembered for ten minutes. Throws when no server is reachable.
 */
export async function connectJetStream({
  servers,
  streams,
}: {
  servers: string | readonly string[];
  streams: readonly StreamDeclaration[];
}): Promise<Bus> {
  const connection = await open(typeof servers === "string" ? [servers] : [...servers]);
  const all = [...streams, deadLetterStream];
  try {
    const manager = await jetstreamManager(connection);
    await ensureStreams(manager, all);
    const client = jetstream(connection);

    const ensureConsumer = async ({ durable, ackWaitMs }: SubscribeOptions, subject: string): Promise<Consumer> => {
      const stream = streamOf(all, subject).name;
      const name = `${durable}-${subject.replaceAll(".", "_")}`;
      await manager.consumers.add(stream, {
        durable_name: name,
        filter_subject: subject,
        ack_policy: AckPolicy.Explicit,
        deliver_policy: DeliverPolicy.All,
        ack_wait: nanos(ackWaitMs),
        // Deliveries are counted where messages are handled: the server would only stop delivering, and keep the message.
        max_deliver: -1,
      });
      return client.consumers.get(stream, name);
    };

    return createBus({
      async publish({ id, subject, payload, headers }, { signal }) {
        signal?.throwIfAborted();
        streamOf(all, subject);
        const options = { msgID: id, headers: toNatsHeaders(headers), timeout: PUBLISH_TIMEOUT_MS };
        try {
          await client.publish(subject, payload, options);
        } catch {
          // A server that came back with an empty store has no streams. If it is something else, the second try tells.
          await ensureStreams(manager, all);
          await client.publish(subject, payload, options);
        }
      },
      async subscribe(options) {
        const ensureAll = () => Promise.all(options.subjects.map((subject) => ensureConsumer(options, subject)));
        let consumers = await ensureAll();
        return createSubscription({
          client,
          options,
          consumers: () => consumers,
          async repair() {
            await ensureStreams(manager, all);
            consumers = await ensureAll();
          },
        });
      },
      deadLetters: () => listDeadLetters(client, manager),
      // biome-ignore lint/correctness/useYield: follows
      async *watch() {
        throw new Error("not yet");
      },
      check: async () => void (await manager.getAccountInfo()),
      onReset: () => ({ [Symbol.dispose]() {} }),
      close: () => close(connection),
    });
  } catch (error) {
    await connection.close();
    throw error;
  }
}

async function open(servers: string[]): Promise<NatsConnection> {
  try {
    return await connect({
      servers,
      name: "ratatouille",
      timeout: CONNECT_TIMEOUT_MS,
      maxReconnectAttempts: -1,
      reconnectTimeWait: RECONNECT_MS,
    });
  } catch (cause) {
    throw new Error(`no NATS server at ${servers.join(", ")}: ${(cause as Error).message}`, { cause });
  }
}

/** What is written goes out first, if there is somebody to take it. */
async function close(connection: NatsConnection): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const patience = new Promise<void>((resolve) => (timer = setTimeout(resolve, CLOSE_MS)));
  await Promise.race([connection.drain().catch(() => undefined), patience]);
  clearTimeout(timer);
  await connection.close();
}
