import { type Attributes, type Context, context, type Link, type Span, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";

const kinds = {
  internal: SpanKind.INTERNAL,
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
} as const;

export type SpanOptions = {
  readonly kind?: keyof typeof kinds;
  /** The parent's context, as `contextFromHeaders` gives it. Default: the active one. */
  readonly parent?: Context;
  readonly links?: readonly Link[];
};

/**
 * Runs `fn` inside a span and gives back what it gives. The span ends when `fn` returns or its promise settles; an exception is recorded,
 * makes the span's status an error, and goes on to the caller. Never one span per message of a long stream: one per stream, with counters.
 * @example
 * ```ts
 * const span = inSpan("square", { "example.input": 3 }, () => 3 ** 2);
 * span; // 9
 * ```
 */
export function inSpan<T>(name: string, attributes: Attributes, fn: (span: Span) => T, options: SpanOptions = {}): T {
  const parent = options.parent ?? context.active();
  // Asked for each time: a tracer that is kept would keep the provider of an earlier start.
  const span = trace
    .getTracer("ratatouille")
    .startSpan(name, { kind: kinds[options.kind ?? "internal"], attributes, links: [...(options.links ?? [])] }, parent);
  return context.with(trace.setSpan(parent, span), () => {
    let result: T;
    try {
      result = fn(span);
    } catch (error) {
      throw fail(span, error);
    }
    if (!isPromiseLike(result)) {
      span.end();
      return result;
    }
    return Promise.resolve(result).then(
      (value) => {
        span.end();
        return value;
      },
      (error: unknown) => {
        throw fail(span, error);
      },
    ) as T;
  });
}

function fail(span: Span, error: unknown): unknown {
  const message = error instanceof Error ? error.message : String(error);
  span.recordException(error instanceof Error ? error : message);
  span.setAttribute("error.type", error instanceof Error ? error.name : typeof error);
  span.setStatus({ code: SpanStatusCode.ERROR, message });
  span.end();
  return error;
}

function isPromiseLike(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}
