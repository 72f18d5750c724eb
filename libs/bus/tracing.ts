import { context, propagation, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import type { Delivery } from "./types.ts";

/** The headers with the W3C trace context of the caller; a context that is there already stays. */
export function injectTraceContext(headers: Readonly<Record<string, string>>): Record<string, string> {
  const carrier: Record<string, string> = { ...headers };
  if (carrier["traceparent"] === undefined) propagation.inject(context.active(), carrier);
  return carrier;
}

/** Runs the handler of a delivery in a CONSUMER span whose parent is the span that published the message. */
export function inConsumerSpan<T>({ message, delivery }: Delivery, durable: string, handle: () => Promise<T>): Promise<T> {
  const attributes = {
    "messaging.operation.type": "process",
    "messaging.destination.name": message.subject,
    "messaging.destination.subscription.name": durable,
    "messaging.message.id": message.id,
    "ratatouille.delivery": delivery,
  };
  const parent = propagation.extract(context.active(), message.headers);
  return trace
    .getTracer("ratatouille/bus")
    .startActiveSpan(`process ${message.subject}`, { kind: SpanKind.CONSUMER, attributes }, parent, async (span) => {
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
