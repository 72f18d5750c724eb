import { context, propagation, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import type { Delivery } from "./types.ts";

/** When the message began to wait, in milliseconds since 1970: travels with the trace context, as brokers and services have clocks of their own. */
const SINCE_HEADER = "ratatouille-waits-since";

/** The headers with the W3C trace context of the caller and the time; a context that is there already stays, with its time. */
export function injectTraceContext(headers: Readonly<Record<string, string>>): Record<string, string> {
  const carrier: Record<string, string> = { ...headers };
  if (carrier["traceparent"] !== undefined) return carrier;
  propagation.inject(context.active(), carrier);
  if (carrier["traceparent"] !== undefined) carrier[SINCE_HEADER] = String(Date.now());
  return carrier;
}

/**
 * Runs the handler of a delivery in a CONSUMER span whose parent is the span that published the message. Beside it, a span shows how long
 * the message waited: from the moment at which it was published or written to the outbox until now.
 */
export function inConsumerSpan<T>({ message, delivery }: Delivery, durable: string, handle: () => Promise<T>): Promise<T> {
  const attributes = {
    "messaging.destination.name": message.subject,
    "messaging.destination.subscription.name": durable,
    "messaging.message.id": message.id,
    "ratatouille.delivery": delivery,
  };
  const parent = propagation.extract(context.active(), message.headers);
  const tracer = trace.getTracer("ratatouille/bus");
  const now = Date.now();
  const since = Number(message.headers[SINCE_HEADER]);
  // A publisher whose clock is ahead did not publish in the future.
  if (since > 0) tracer.startSpan(`wait ${message.subject}`, { attributes, startTime: Math.min(since, now) }, parent).end(now);
  const processing = { kind: SpanKind.CONSUMER, attributes: { "messaging.operation.type": "process", ...attributes } };
  return tracer.startActiveSpan(`process ${message.subject}`, processing, parent, async (span) => {
    try {
      return await handle();
    } catch (error) {
      span.recordException(error as Error);
      span.setStatus({ code: SpanStatusCode.ERROR, message: String(error) });
      throw error;
    } finally {
      span.end();
    }
  });
}
