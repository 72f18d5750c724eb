import { randomUUID } from "node:crypto";
import { createRequire } from "node:module";
import { trace } from "@opentelemetry/api";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BatchSpanProcessor, type SpanExporter, TracerProvider } from "@opentelemetry/sdk-trace";
import { within } from "#libs/concurrency";
import { installContexts } from "./contexts.ts";
import { exportMetrics } from "./export-metrics.ts";
import { setMeter } from "./metrics.ts";
import { passThroughProvider } from "./pass-through.ts";

export type TelemetryOptions = {
  /** `service.name` of every span of this process. */
  readonly service: string;
  /** `service.version`. */
  readonly version?: string;
  /** Base URL of an OTLP/HTTP receiver, as in OTEL_EXPORTER_OTLP_ENDPOINT (`/v1/traces` and `/v1/metrics` are added). Empty or absent: nothing is exported. */
  readonly endpoint?: string | undefined;
};

/** Tracing and metrics of this process, until it is disposed. */
export type Telemetry = AsyncDisposable & {
  /** Sends what is waiting; gives up after 3 s without an error, as a lost collector must not stop the work. */
  flush(): Promise<void>;
};

const flushMs = 3000;
const require = createRequire(import.meta.url);

/**
 * Starts tracing and metrics for this process: W3C propagation and AsyncLocalStorage contexts always, spans and metrics to an OTLP/HTTP
 * receiver (protobuf, batched) when there is an endpoint. One at a time per process: a second start takes over. Disposing flushes.
 * Throws RangeError when the endpoint is not an http(s) URL.
 */
export function startTelemetry({ service, version, endpoint }: TelemetryOptions): Telemetry {
  const base = endpoint ? baseUrl(endpoint) : undefined;
  const resource = resourceFromAttributes({
    "service.name": service,
    // Trainers share a name; their measurements are not to be taken for each other's.
    "service.instance.id": randomUUID(),
    ...(version ? { "service.version": version } : {}),
  });
  const provider = new TracerProvider({
    resource,
    spanProcessors: base ? [new BatchSpanProcessor({ exporter: openExporter(`${base}/v1/traces`), scheduledDelayMillis: 500 })] : [],
  });
  setMeter(undefined);
  const measurements = base ? exportMetrics(`${base}/v1/metrics`, resource, flushMs) : undefined;
  trace.disable();
  installContexts();
  trace.setGlobalTracerProvider(base ? provider : passThroughProvider);
  const own = trace.getTracerProvider();
  const flush = () => flushed(Promise.all([provider.forceFlush(), measurements?.flush()]));
  return {
    flush,
    async [Symbol.asyncDispose]() {
      await flushed(Promise.all([provider.forceFlush(), measurements?.shutdown()]));
      await flushed(provider.shutdown());
      if (trace.getTracerProvider() === own) trace.disable();
    },
  };
}

/** Loaded only where it is needed: it takes a tenth of a second. */
function openExporter(url: string): SpanExporter {
  const exporter: typeof import("@opentelemetry/exporter-trace-otlp-proto") = require("@opentelemetry/exporter-trace-otlp-proto");
  return new exporter.OTLPTraceExporter({ url, timeoutMillis: flushMs });
}

function baseUrl(endpoint: string): string {
  const url = URL.parse(endpoint);
  if (!url || (url.protocol !== "http:" && url.protocol !== "https:")) {
    throw new RangeError(
      `OTEL_EXPORTER_OTLP_ENDPOINT must be an http or https URL such as http://localhost:4318, not ${JSON.stringify(endpoint)}`,
    );
  }
  return endpoint.replace(/\/+$/, "");
}

/** Waits for spans and metrics on their way out, but not for long, and never fails: what is measured must not hold up what is done. */
async function flushed(work: Promise<unknown>): Promise<void> {
  await within(
    flushMs,
    work.catch(() => {}),
  );
}
