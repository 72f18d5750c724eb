import { type Context, context, propagation } from "@opentelemetry/api";

/** The active trace context as W3C headers (`traceparent`, `tracestate`): for gRPC metadata, event headers and environments. Empty without a trace. */
export function traceHeaders(from: Context = context.active()): Record<string, string> {
  const headers: Record<string, string> = {};
  propagation.inject(from, headers);
  return headers;
}

/**
 * The trace context that `headers` carry, for the `parent` of a span; without a valid `traceparent` the context that is active now.
 * @example
 * ```ts
 * await using telemetry = startTelemetry({ service: "example" });
 * const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
 * traceHeaders(contextFromHeaders({ traceparent })); // { traceparent }
 * traceHeaders(); // {}
 * ```
 */
export function contextFromHeaders(headers: Readonly<Record<string, string>> | ReadonlyMap<string, string>): Context {
  const carrier = headers instanceof Map ? Object.fromEntries(headers) : headers;
  return propagation.extract(context.active(), carrier);
}
