import { trace } from "@opentelemetry/api";
import { within } from "#libs/concurrency";
import { installContexts } from "./contexts.ts";
import { openExports } from "./exports.ts";
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

/**
 * Starts tracing and metrics for this process: W3C propagation and AsyncLocalStorage contexts always, spans and metrics to an OTLP/HTTP
 * receiver (protobuf, batched) when there is an endpoint. One at a time per process: a second start takes over. Disposing flushes.
 * Throws RangeError when the endpoint is not an http(s) URL.
 */
export function startTelemetry(options: TelemetryOptions): Telemetry {
  const base = options.endpoint ? baseUrl(options.endpoint) : undefined;
  setMeter(undefined);
  const exports = base === undefined ? undefined : openExports(base, options, flushMs);
  trace.disable();
  installContexts();
  trace.setGlobalTracerProvider(exports?.tracers ?? passThroughProvider);
  const own = trace.getTracerProvider();
  return {
    flush: () => flushed(exports?.flush()),
    async [Symbol.asyncDispose]() {
      await flushed(exports?.end());
      await flushed(exports?.close());
      if (trace.getTracerProvider() === own) trace.disable();
    },
  };
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
async function flushed(work: Promise<unknown> = Promise.resolve()): Promise<void> {
  await within(
    flushMs,
    work.catch(() => {}),
  );
}
