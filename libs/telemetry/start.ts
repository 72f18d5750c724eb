import { createRequire } from "node:module";
import { trace } from "@opentelemetry/api";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BatchSpanProcessor, NodeTracerProvider, type SpanExporter } from "@opentelemetry/sdk-trace-node";
import { passThroughProvider } from "./pass-through.ts";

export type TelemetryOptions = {
  /** `service.name` of every span of this process. */
  readonly service: string;
  /** `service.version`. */
  readonly version?: string;
  /** Base URL of an OTLP/HTTP receiver, as in OTEL_EXPORTER_OTLP_ENDPOINT (`/v1/traces` is added). Empty or absent: nothing is exported. */
  readonly endpoint?: string | undefined;
};

/** Tracing of this process, until it is disposed. */
export type Telemetry = AsyncDisposable & {
  /** Sends what is waiting; gives up after 3 s without an error, as a lost collector must not stop the work. */
  flush(): Promise<void>;
};

const flushMs = 3000;
const require = createRequire(import.meta.url);

/**
 * Starts tracing for this process: W3C propagation and AsyncLocalStorage contexts always, spans to an OTLP/HTTP receiver (protobuf,
 * batched) when there is an endpoint. One at a time per process: a second start takes over. Disposing flushes.
 * Throws RangeError when the endpoint is not an http(s) URL.
 */
export function startTelemetry({ service, version, endpoint }: TelemetryOptions): Telemetry {
  const url = endpoint ? tracesUrl(endpoint) : undefined;
  const provider = new NodeTracerProvider({
    resource: resourceFromAttributes({ "service.name": service, ...(version ? { "service.version": version } : {}) }),
    spanProcessors: url ? [new BatchSpanProcessor(openExporter(url), { scheduledDelayMillis: 500 })] : [],
  });
  trace.disable();
  // Also installs the context manager and the propagator, which stay for the life of the process.
  provider.register();
  if (!url) {
    trace.disable();
    trace.setGlobalTracerProvider(passThroughProvider);
  }
  const own = trace.getTracerProvider();
  const flush = () => withinFlushTime(provider.forceFlush());
  return {
    flush,
    async [Symbol.asyncDispose]() {
      await flush();
      await withinFlushTime(provider.shutdown());
      if (trace.getTracerProvider() === own) trace.disable();
    },
  };
}

/** Loaded only where it is needed: it takes a tenth of a second. */
function openExporter(url: string): SpanExporter {
  const exporter: typeof import("@opentelemetry/exporter-trace-otlp-proto") = require("@opentelemetry/exporter-trace-otlp-proto");
  return new exporter.OTLPTraceExporter({ url, timeoutMillis: flushMs });
}

function tracesUrl(endpoint: string): string {
  const url = URL.parse(endpoint);
  if (!url || (url.protocol !== "http:" && url.protocol !== "https:")) {
    throw new RangeError(
      `OTEL_EXPORTER_OTLP_ENDPOINT must be an http or https URL such as http://localhost:4318, not ${JSON.stringify(endpoint)}`,
    );
  }
  return `${endpoint.replace(/\/+$/, "")}/v1/traces`;
}

async function withinFlushTime(work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, flushMs);
  });
  await Promise.race([work.catch(() => {}), late]);
  clearTimeout(timer);
}
