import { type CallContext, type Implementation, implement, invalidArgument, type ServiceRegistration, unavailable } from "#libs/rpc";
import { BusService, type ConsumeRequest, type WatchRequest } from "#proto/ratatouille/v1/bus_pb.ts";
import { BusRefusedError, BusUnavailableError } from "../errors.ts";
import type { Bus, Delivery } from "../types.ts";
import { type BusAccess, checkConsume, checkSubjects } from "./access.ts";
import { fromWireOutcome } from "./wire.ts";

/**
 * Serves a bus to other processes; `connectRemoteBus` is its client. What a client holds when its stream ends is delivered again.
 * @param access what callers may do with it
 */
export function busService(bus: Bus, access: BusAccess | "all"): ServiceRegistration {
  const open = access === "all" ? { publish: access, watch: access } : access;
  const implementation: Implementation<typeof BusService> = {
    async publish({ message }, { signal }) {
      if (!message) throw missing("message");
      const { id, subject, payload, headers } = message;
      checkSubjects(open.publish, [subject], "publishing on");
      await refusing("message.", () => bus.publish({ id, subject, payload, headers }, { signal }));
      return {};
    },
    consume: (requests, context) => consume(bus, access, requests, context),
    async *watch(request, context) {
      checkSubjects(open.watch, request.subjects, "watching");
      yield* watch(bus, request, context);
    },
    async check() {
      try {
        await bus.check();
      } catch (cause) {
        throw unavailable(`the bus cannot store and fetch messages: ${(cause as Error).message}`, { cause });
      }
      return {};
    },
    async listDeadLetters(_request, { signal }) {
      const letters = await reaching(() => bus.deadLetters({ signal }));
      return {
        letters: letters.map(({ message, durable, reason, deliveries, atMs }) => ({
          message: { ...message, headers: { ...message.headers } },
          durable,
          reason,
          deliveries,
          atMs: BigInt(atMs),
        })),
      };
    },
  };
  return implement(BusService, implementation);
}

async function* watch(bus: Bus, { subjects, sinceMs }: WatchRequest, { signal }: CallContext) {
  const since = sinceMs === undefined ? {} : { sinceMs: Number(sinceMs) };
  const messages = bus.watch({ subjects, ...since, signal })[Symbol.asyncIterator]();
  // Asked before the client is told that it is so.
  const step = () => refusing("", () => messages.next());
  let next = step();
  next.catch(() => undefined);
  yield { atMs: BigInt(Date.now()) };
  for (;;) {
    const { value, done } = await next;
    if (done) return;
    const { atMs, ...message } = value;
    yield { message: { ...message, headers: { ...message.headers } }, atMs: BigInt(atMs) };
    next = step();
  }
}

async function* consume(bus: Bus, access: BusAccess | "all", requests: AsyncIterable<ConsumeRequest>, { signal }: CallContext) {
  const reader = requests[Symbol.asyncIterator]();
  const first = await reader.next();
  if (first.done || first.value.action.case !== "subscribe") throw missing("subscribe");
  const { durable, subjects, concurrency, ackWaitMs } = first.value.action.value;
  checkConsume(access, durable, subjects);
  await using subscription = await refusing("subscribe.", () => bus.subscribe({ durable, subjects, concurrency, ackWaitMs }));
  const deliveries = subscription[Symbol.asyncIterator]();
  // Sequences are those of the messages' queues, and there may be several: the client gets numbers of this stream.
  const held = new Map<bigint, Delivery>();
  let count = 0n;
  const stop = () => subscription.stop();
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();
  // Ends with the requests: the client stops. Or with their error, which is the call's.
  const settling = settleAll(reader, held, stop).finally(stop);
  settling.catch(() => undefined);
  try {
    for (;;) {
      const { value: delivery, done } = await refusing("subscribe.", () => deliveries.next());
      if (done) break;
      const { message, delivery: number } = delivery;
      held.set(++count, delivery);
      yield { message: { ...message, headers: { ...message.headers } }, sequence: count, delivery: number };
    }
    await settling;
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

async function settleAll(requests: AsyncIterator<ConsumeRequest>, held: Map<bigint, Delivery>, stop: () => void): Promise<void> {
  for (;;) {
    const { value, done } = await requests.next();
    if (done) return;
    if (value.action.case === "stop") {
      stop();
      continue;
    }
    if (value.action.case !== "settle") throw missing("settle");
    const outcome = fromWireOutcome(value.action.value);
    const { sequence } = value.action.value;
    const delivery = held.get(sequence);
    if (outcome.type !== "working") held.delete(sequence);
    await delivery?.settle(outcome);
  }
}

/** What no bus can do is the caller's mistake. `within` is the message of the request that has the field. */
async function refusing<T>(within: string, work: () => Promise<T>): Promise<T> {
  try {
    return await reaching(work);
  } catch (error) {
    if (!(error instanceof BusRefusedError)) throw error;
    const field = `${within}${error.field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}`;
    throw invalid(field, `is refused: ${error.message}`);
  }
}

/** A broker that is away is nobody's mistake. */
async function reaching<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof BusUnavailableError ? unavailable(error.message, { cause: error }) : error;
  }
}

function missing(field: string) {
  return invalid(field, "is missing");
}

function invalid(field: string, description: string) {
  return invalidArgument(`${field} ${description}`, { violations: [{ field, description }] });
}
