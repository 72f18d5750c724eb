import { fromBinary, type MessageInitShape } from "@bufbuild/protobuf";
import type { Bus, WatchedMessage } from "#libs/bus";
import { within } from "#libs/concurrency";
import { type CallContext, type Implementation, invalidField } from "#libs/rpc";
import { quote } from "#libs/text";
import { artifactPublished, jobFinished, refMoved, runFinished, runStarted } from "#libs/topics";
import type { EventSchema, SystemService, WatchEventsRequest, WatchEventsResponseSchema } from "#proto/ratatouille/v1/system_pb.ts";

type Payload = NonNullable<MessageInitShape<typeof EventSchema>["payload"]>;

/** Every event that people can see, and where its payload goes. Work is no event: it belongs to the trainer that takes it. */
const kinds = new Map<string, (bytes: Uint8Array) => Payload>([
  [jobFinished.subject, (bytes) => ({ case: "jobFinished", value: fromBinary(jobFinished.schema, bytes) })],
  [artifactPublished.subject, (bytes) => ({ case: "artifactPublished", value: fromBinary(artifactPublished.schema, bytes) })],
  [refMoved.subject, (bytes) => ({ case: "refMoved", value: fromBinary(refMoved.schema, bytes) })],
  [runStarted.subject, (bytes) => ({ case: "runStarted", value: fromBinary(runStarted.schema, bytes) })],
  [runFinished.subject, (bytes) => ({ case: "runFinished", value: fromBinary(runFinished.schema, bytes) })],
]);

/** The last millisecond that a Date can tell. */
const LAST_MS = 8_640_000_000_000_000n;

/** The bus does not say where what it had ends. After so long without a message that is it. */
const QUIET_MS = 500;

/** WatchEvents of SystemService over a bus; the embedded system and the gateway serve the same. */
export function watchEvents(bus: Pick<Bus, "watch">): Implementation<typeof SystemService>["watchEvents"] {
  return (request, context) => watch(bus, request, context);
}

async function* watch(
  bus: Pick<Bus, "watch">,
  { subjects, sinceMs }: WatchEventsRequest,
  { signal }: CallContext,
): AsyncGenerator<MessageInitShape<typeof WatchEventsResponseSchema>, void, undefined> {
  for (const [i, subject] of subjects.entries()) {
    const description = `${quote(subject)} is not the subject of an event; there are ${[...kinds.keys()].join(", ")}`;
    if (!kinds.has(subject)) throw invalidField(`subjects[${i}]`, description);
  }
  if (sinceMs < 0n || sinceMs > LAST_MS)
    throw invalidField("since_ms", `expected milliseconds since 1970, from 0 to ${LAST_MS}, got ${sinceMs}`);
  // One that is named many times is wanted once.
  const wanted = subjects.length > 0 ? [...new Set(subjects)] : [...kinds.keys()];
  const since = sinceMs > 0n ? { sinceMs: Number(sinceMs) } : {};
  const asked = Date.now();
  const messages = bus.watch({ subjects: wanted, ...since, signal })[Symbol.asyncIterator]();
  let coming = messages.next();
  try {
    let current = false;
    for (;;) {
      if (!current) {
        const next = sinceMs > 0n ? await within(QUIET_MS, coming) : undefined;
        if (next === undefined || (!next.done && next.value.atMs >= asked)) {
          current = true;
          yield { current };
        }
      }
      const { value, done } = await coming;
      if (done) break;
      yield { event: toEvent(value) };
      coming = messages.next();
    }
    signal.throwIfAborted();
  } finally {
    coming.catch(() => undefined);
    await messages.return?.();
  }
}

function toEvent({ id, subject, headers, payload, atMs }: WatchedMessage): MessageInitShape<typeof EventSchema> {
  const event = { id, subject, atMs: BigInt(atMs), traceparent: headers["traceparent"] ?? "" };
  try {
    const read = kinds.get(subject)?.(payload);
    return read === undefined ? event : { ...event, payload: read };
  } catch {
    // It cannot be read; that it happened is shown all the same.
    return event;
  }
}
