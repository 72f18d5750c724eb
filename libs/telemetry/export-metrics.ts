import { createRequire } from "node:module";
import type { Resource } from "@opentelemetry/resources";
import { isActiveMeter, setMeter } from "./metrics.ts";

/** Metrics on their way to a receiver. */
export type MetricsExport = {
  /** Sends what there is now. */
  flush(): Promise<void>;
  /** Sends what there is and ends. Nothing is measured any more. */
  shutdown(): Promise<void>;
};

const require = createRequire(import.meta.url);

/** How often metrics are sent where OTEL_METRIC_EXPORT_INTERVAL (milliseconds) does not say otherwise. */
const EXPORT_INTERVAL_MS = 10_000;

/**
 * Sends the metrics of this process to `url` every 10 s, as OTLP over HTTP. Made of the parts of which OpenTelemetry makes its exporters:
 * the exporter of metrics itself does not come at the version of that of traces, and brings all parts a second time. Loaded only here, as
 * it takes a while.
 */
export function exportMetrics(url: string, resource: Resource, timeoutMillis: number): MetricsExport {
  const { MeterProvider, PeriodicExportingMetricReader }: typeof import("@opentelemetry/sdk-metrics") =
    require("@opentelemetry/sdk-metrics");
  const { OTLPExporterBase }: typeof import("@opentelemetry/otlp-exporter-base") = require("@opentelemetry/otlp-exporter-base");
  const http: typeof import("@opentelemetry/otlp-exporter-base/node-http") = require("@opentelemetry/otlp-exporter-base/node-http");
  const otlp: typeof import("@opentelemetry/otlp-transformer") = require("@opentelemetry/otlp-transformer");
  const options = http.convertLegacyHttpOptions({ url, timeoutMillis }, "METRICS", "v1/metrics", {
    "Content-Type": "application/x-protobuf",
  });
  const exporter = new OTLPExporterBase(
    http.createOtlpHttpExportDelegate(
      options,
      otlp.ProtobufMetricsSerializer,
      "otlp_http_metric_exporter",
      otlp.MetricsExporterMetricsHelper,
      undefined,
    ),
  );
  const given = Number(process.env["OTEL_METRIC_EXPORT_INTERVAL"]);
  const intervalMillis = given > 0 ? given : EXPORT_INTERVAL_MS;
  const reader = new PeriodicExportingMetricReader({
    exporter,
    exportIntervalMillis: intervalMillis,
    exportTimeoutMillis: Math.min(timeoutMillis, intervalMillis),
  });
  const provider = new MeterProvider({ resource, readers: [reader] });
  const meter = provider.getMeter("ratatouille");
  setMeter(meter);
  return {
    flush: () => provider.forceFlush(),
    async shutdown() {
      await provider.shutdown();
      if (isActiveMeter(meter)) setMeter(undefined);
    },
  };
}
