export { contextFromHeaders, traceHeaders } from "./context.ts";
export { installContexts } from "./contexts.ts";
export { createLogger, type Logger, type LogOptions } from "./log.ts";
export { type Counter, counter, type Histogram, histogram, type InstrumentOptions, type Observed, observe } from "./metrics.ts";
export { inSpan, type SpanOptions } from "./span.ts";
export { startTelemetry, type Telemetry, type TelemetryOptions } from "./start.ts";
export { transfers } from "./transfers.ts";
