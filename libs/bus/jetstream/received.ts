import type { Msg, NatsConnection } from "@nats-io/transport-node";
import { nanos } from "@nats-io/transport-node";
import type { BusMessage } from "../types.ts";
import { fromNatsHeaders } from "./headers.ts";

/** A message as a pull consumer delivers it, and what can be said of it. */
export type Received = {
  readonly message: BusMessage;
  readonly stream: string;
  readonly sequence: number;
  readonly delivery: number;
  /** Resolves when the server has noted that the message is done. */
  ack(): Promise<void>;
  nak(delayMs: number): void;
  terminate(reason: string): void;
  working(): void;
};

const ACK_TIMEOUT_MS = 2_000;

/**
 * Reads a delivery. Its reply subject says which one it is: `$JS.ACK.<stream>.<consumer>.<deliveries>.<stream sequence>…`, with
 * `<domain>.<account>.` before the stream on some servers (NATS ADR-15).
 */
export function toReceived(connection: NatsConnection, msg: Msg): Received {
  const reply = msg.reply ?? "";
  const words = reply.split(".").slice(2);
  const [stream = "", , delivery, sequence] = words.length > 7 ? words.slice(2) : words;
  return {
    message: { ...fromNatsHeaders(msg.headers), subject: msg.subject, payload: msg.data },
    stream,
    sequence: Number(sequence),
    delivery: Number(delivery),
    ack: async () => void (await connection.request(reply, "+ACK", { timeout: ACK_TIMEOUT_MS })),
    nak: (delayMs) => connection.publish(reply, delayMs > 0 ? `-NAK {"delay":${nanos(Math.ceil(delayMs))}}` : "-NAK"),
    terminate: (reason) => connection.publish(reply, `+TERM ${reason}`),
    working: () => connection.publish(reply, "+WPI"),
  };
}
