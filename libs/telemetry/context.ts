import { type Context, context, propagation } from "@opentelemetry/api";

/** The active trace context as W3C headers (`traceparent`, `tracestate`): for gRPC metadata, event headers and environments. Empty without a trace. */
export function traceHeaders(from: Context = context.active()): Record<string, string> {
  const headers: Record<string, string> = {};
  propagation.inject(from, headers);
  return headers;
}

/** The trace context that `headers` carry, for the `parent` of a span; without a valid `traceparent` the context that is active now. */
export function contextFromHeaders(headers: Readonly<Record<string, string>> | ReadonlyMap<string, string>): Context {
  const carrier = headers instanceof Map ? Object.fromEntries(headers) : headers;
  return propagation.extract(context.active(), carrier);
}

/**
 * Drives `stream` with `parent` as the active context. An async generator runs in the context of whoever calls `next()`;
 * this gives its body, and the spans made in it, one parent whoever consumes it.
 */
export async function* streamInContext<T>(parent: Context, stream: AsyncIterable<T>): AsyncGenerator<T, void, undefined> {
  const iterator = context.with(parent, () => stream[Symbol.asyncIterator]());
  let ended = false;
  try {
    while (true) {
      const result = await context.with(parent, () => iterator.next());
      if (result.done) {
        ended = true;
        return;
      }
      yield result.value;
    }
  } finally {
    if (!ended) await context.with(parent, () => iterator.return?.());
  }
}
