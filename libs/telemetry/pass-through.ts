import { randomBytes } from "node:crypto";
import {
  type Context,
  context,
  isSpanContextValid,
  type Span,
  type SpanOptions,
  TraceFlags,
  type Tracer,
  type TracerProvider,
  trace,
} from "@opentelemetry/api";

/**
 * Tracing where nothing is exported: a span hands on its parent's identity, so that the trace of a caller who does export
 * reaches the next process with its parent intact, and a root gets a fresh trace id, so that logs can still be joined by it.
 */
export const passThroughProvider: TracerProvider = { getTracer: () => tracer };

const tracer: Tracer = { startSpan, startActiveSpan };

function startSpan(_name: string, options: SpanOptions = {}, parent: Context = context.active()): Span {
  const inherited = options.root ? undefined : trace.getSpanContext(parent);
  if (inherited && isSpanContextValid(inherited)) return trace.wrapSpanContext(inherited);
  const traceId = randomBytes(16).toString("hex");
  const spanId = randomBytes(8).toString("hex");
  // Sampled: a server that has a collector records its part even when this process has none.
  return trace.wrapSpanContext({ traceId, spanId, traceFlags: TraceFlags.SAMPLED });
}

type Body = (span: Span) => unknown;

function startActiveSpan<F extends Body>(name: string, fn: F): ReturnType<F>;
function startActiveSpan<F extends Body>(name: string, options: SpanOptions, fn: F): ReturnType<F>;
function startActiveSpan<F extends Body>(name: string, options: SpanOptions, parent: Context, fn: F): ReturnType<F>;
function startActiveSpan<F extends Body>(name: string, ...rest: [F] | [SpanOptions, F] | [SpanOptions, Context, F]): ReturnType<F> {
  const fn = rest.at(-1) as F;
  const options = rest.length > 1 ? (rest[0] as SpanOptions) : {};
  const parent = rest.length > 2 ? (rest[1] as Context) : context.active();
  const span = startSpan(name, options, parent);
  return context.with(trace.setSpan(parent, span), () => fn(span)) as ReturnType<F>;
}
