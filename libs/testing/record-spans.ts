import { context, propagation, trace } from "@opentelemetry/api";
import { InMemorySpanExporter, type ReadableSpan, SimpleSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import { installContexts } from "#libs/telemetry";

/** The spans of this process, until it is disposed. */
export type SpanRecorder = AsyncDisposable & {
  /** Those that have ended, in that order. */
  spans(): readonly ReadableSpan[];
  /** Forgets those that there are. */
  reset(): void;
};

/** Records every span of this process, with contexts that travel as they do outside of tests. */
export function recordSpans(): SpanRecorder {
  const exporter = new InMemorySpanExporter();
  const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] });
  installContexts();
  trace.setGlobalTracerProvider(provider);
  return {
    spans: () => exporter.getFinishedSpans(),
    reset: () => exporter.reset(),
    async [Symbol.asyncDispose]() {
      trace.disable();
      context.disable();
      propagation.disable();
      await provider.shutdown();
    },
  };
}
