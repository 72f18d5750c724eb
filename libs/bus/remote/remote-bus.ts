import type { MessageInitShape } from "@bufbuild/protobuf";
import { pause } from "#libs/concurrency";
import { Code, isRpcError, type RpcChannel, type ServiceClient } from "#libs/rpc";
import { BusService, type ConsumeRequestSchema } from "#proto/ratatouille/v1/bus_pb.ts";
import { createBus } from "../bus.ts";
import { BusRefusedError } from "../errors.ts";
import { createWatchPosition } from "../follow.ts";
import { createMailbox } from "../mailbox.ts";
import type { Bus, Delivery, SubscribeOptions, Subscription, WatchOptions } from "../types.ts";
import { createInFlight } from "./in-flight.ts";
import { toSettleRequest } from "./wire.ts";

const FIRST_RETRY_MS = 50;
const LAST_RETRY_MS = 1_000;
/** The server is there and refuses: trying again would only hide it. */
const hopeless: ReadonlySet<Code> = new Set([Code.INVALID_ARGUMENT, Code.UNAUTHENTICATED, Code.PERMISSION_DENIED, Code.UNIMPLEMENTED]);
/** How long a server may take to end a stream that is stopped. */
const STOP_GRACE_MS = 1_000;

/**
 * The bus that another process serves. A broken stream is opened again once the handlers of the old one
 * have ended; what they had in hand is delivered again, here or elsewhere. The channel stays the caller's.
 */
export function connectRemoteBus(channel: RpcChannel): Bus {
  const client = channel.client(BusService);
  const closing = new AbortController();
  const assertOpen = () => {
    if (closing.signal.aborted) throw new Error("the bus is closed");
  };
  return createBus({
    async publish(message, { signal }) {
      assertOpen();
      try {
        await client.publish({ message: { ...message, headers: { ...message.headers } } }, { signal });
      } catch (cause) {
        if (!isRpcError(cause, Code.INVALID_ARGUMENT)) throw cause;
        const field = cause.violations[0]?.field === "message.subject" ? "subject" : "payload";
        throw new BusRefusedError(field, cause.message, { cause });
      }
    },
    subscribe: async (options) => subscribe(client, options, closing.signal),
    async deadLetters({ signal }) {
      const { letters } = await client.listDeadLetters({}, { signal });
      return letters.map(({ message, durable, reason, deliveries, atMs }) => ({
        message: message!,
        durable,
        reason,
        deliveries,
        atMs: Number(atMs),
      }));
    },
    watch: (options) => watch(client, options, closing.signal),
    async check() {
      assertOpen();
      await client.check({});
    },
    onReset: () => ({ [Symbol.dispose]() {} }),
    async close() {
      closing.abort();
    },
  });
}

async function* watch(client: ServiceClient<typeof BusService>, { subjects, sinceMs, signal }: WatchOptions, closing: AbortSignal) {
  const ending = AbortSignal.any([signal, closing]);
  const position = createWatchPosition(sinceMs);
  let retryMs = FIRST_RETRY_MS;
  while (!ending.aborted) {
    const since = position.sinceMs === undefined ? {} : { sinceMs: BigInt(position.sinceMs) };
    try {
      for await (const { message, atMs } of client.watch({ subjects: [...subjects], ...since }, { timeoutMs: 0, signal: ending })) {
        retryMs = FIRST_RETRY_MS;
        if (!message) position.begin(Number(atMs));
        else if (position.pass({ ...message, atMs: Number(atMs) })) yield { ...message, atMs: Number(atMs) };
      }
    } catch (error) {
      if (ending.aborted) return;
      if (isRpcError(error) && hopeless.has(error.code)) throw error;
    }
    await pause(retryMs, ending);
    retryMs = Math.min(LAST_RETRY_MS, 2 * retryMs);
  }
}

function subscribe(client: ServiceClient<typeof BusService>, options: SubscribeOptions, closing: AbortSignal): Subscription {
  const stopping = new AbortController();
  const stop = () => stopping.abort();
  const inFlight = createInFlight();
  if (closing.aborted) stop();
  closing.addEventListener("abort", stop, { once: true });

  /** The deliveries of one stream. Returns when it was stopped, throws when it broke. */
  async function* stream(): AsyncGenerator<Delivery> {
    const requests = createMailbox<MessageInitShape<typeof ConsumeRequestSchema>>();
    requests.put({ action: { case: "subscribe", value: { ...options, subjects: [...options.subjects] } } });
    let open = true;
    const leaving = new AbortController();
    let grace: ReturnType<typeof setTimeout> | undefined;
    // After a stop the stream lives on until what is in flight is settled.
    const onStop = async () => {
      requests.put({ action: { case: "stop", value: true } });
      await inFlight.empty();
      requests.end();
      grace = setTimeout(() => leaving.abort(), STOP_GRACE_MS);
    };
    const onStopped = () => void onStop();
    stopping.signal.addEventListener("abort", onStopped, { once: true });
    try {
      for await (const { message, sequence, delivery } of client.consume(requests, { timeoutMs: 0, signal: leaving.signal })) {
        if (!message) continue;
        if (stopping.signal.aborted) {
          requests.put(toSettleRequest(sequence, delivery, { type: "nak", delayMs: 0 })); // it was on its way
          continue;
        }
        const settled = inFlight.add();
        yield {
          message,
          sequence,
          delivery,
          async settle(outcome) {
            if (open) requests.put(toSettleRequest(sequence, delivery, outcome));
            if (outcome.type !== "working") settled();
          },
        };
      }
    } finally {
      open = false;
      clearTimeout(grace);
      stopping.signal.removeEventListener("abort", onStopped);
      requests.end();
    }
  }

  return {
    stop,
    limit() {
      throw new RangeError("the limit of a remote subscription stays as it is");
    },
    async *[Symbol.asyncIterator]() {
      let retryMs = FIRST_RETRY_MS;
      while (!stopping.signal.aborted) {
        try {
          for await (const delivery of stream()) {
            retryMs = FIRST_RETRY_MS;
            yield delivery;
          }
        } catch (error) {
          if (isRpcError(error) && hopeless.has(error.code)) throw error;
          // Broken, or nobody there: trying again may help.
        }
        await inFlight.empty();
        await pause(retryMs, stopping.signal);
        retryMs = Math.min(LAST_RETRY_MS, 2 * retryMs);
      }
    },
    async [Symbol.asyncDispose]() {
      closing.removeEventListener("abort", stop);
      inFlight.clear();
      stop();
    },
  };
}
