export { type OtlpSink, openOtlpSink, type ReceivedSpan } from "./otlp-sink.ts";
