import { VERSION } from "#libs/service/process";
import { startTelemetry, type Telemetry } from "#libs/telemetry";

/** Telemetry of the command; its name in traces is that of a service in a process of its own, or else that of the command line. */
export function beginTelemetry(command: string, service: string | undefined): Telemetry {
  const name = command === "serve" && service !== undefined ? service : command === "trainer" ? "trainer" : "ratatouille";
  return startTelemetry({ service: name, version: VERSION, endpoint: process.env["OTEL_EXPORTER_OTLP_ENDPOINT"] });
}
