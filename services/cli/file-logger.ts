import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { createLogger, type Logger } from "#libs/telemetry";

/** A logger to a file under the data directory, since the terminal belongs to the progress. */
export function fileLogger(dataDirectory: string, service: string): Logger {
  const directory = join(dataDirectory, "logs");
  mkdirSync(directory, { recursive: true });
  return createLogger({ service, destination: join(directory, "ratatouille.log") });
}
