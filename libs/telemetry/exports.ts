import { randomUUID } from "node:crypto";
import { createRequire } from "node:module";
import type { TracerProvider } from "@opentelemetry/api";
import { exportMetrics } from "./export-metrics.ts";

type Origin = { readonly service: string; readonly version?: string | undefined };

/** Spans and metrics on their way to a receiver. */
export type Exports = {
  /** Whose spans are sent. */
  readonly tracers: TracerProvider;
  /** Sends what there is now. */
  flush(): Promise<unknown>;
  /** Sends what there is. Nothing is measured any more. */
  end(): Promise<unknown>;
  /** Lets go of what sends spans. */
  close(): Promise<void>;
};

const require = createRequire(import.meta.url);

/** Sends the spans and metrics of this process to an OTLP/HTTP receiver. What does so is loaded only here: it takes a tenth of a second. */
export function openExports(base: string, { service, version }: Origin, timeoutMillis: number): Exports {
  const { resourceFromAttributes }: typeof import("@opentelemetry/resources") = require("@opentelemetry/resources");
  const { BatchSpanProcessor, TracerProvider }: typeof import("@opentelemetry/sdk-trace") = require("@opentelemetry/sdk-trace");
  const { OTLPTraceExporter }: typeof import("@opentelemetry/exporter-trace-otlp-proto") =
    require("@opentelemetry/exporter-trace-otlp-proto");
  const resource = resourceFromAttributes({
    "service.name": service,
    // Trainers share a name; their measurements are not to be taken for each other's.
    "service.instance.id": randomUUID(),
    ...(version ? { "service.version": version } : {}),
  });
  const exporter = new OTLPTraceExporter({ url: `${base}/v1/traces`, timeoutMillis });
  const spans = new TracerProvider({ resource, spanProcessors: [new BatchSpanProcessor({ exporter, scheduledDelayMillis: 500 })] });
  const metrics = exportMetrics(`${base}/v1/metrics`, resource, timeoutMillis);
  return {
    tracers: spans,
    flush: () => Promise.all([spans.forceFlush(), metrics.flush()]),
    end: () => Promise.all([spans.forceFlush(), metrics.shutdown()]),
    close: () => spans.shutdown(),
  };
}
