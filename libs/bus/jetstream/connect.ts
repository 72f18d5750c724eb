import type { Bus } from "../types.ts";
import type { JetStreamOptions } from "./jetstream-bus.ts";

/**
 * The bus on NATS JetStream. It resolves at once, also when no server is there: the connection is opened, and opened again, for ever;
 * meanwhile publishing fails within seconds and consumers wait. At each connection the declared streams and consumers are made if they are
 * missing. One that is not as declared stays as it is: `check()` and the log tell of it, and nothing is published to such a stream. A
 * message whose consumer was killed is delivered again after its ack wait. Ids are remembered for ten minutes.
 */
export async function connectJetStream(options: JetStreamOptions): Promise<Bus> {
  // A program that talks to another bus starts without the client of NATS.
  const { createJetStreamBus } = await import("./jetstream-bus.ts");
  return createJetStreamBus(options);
}
