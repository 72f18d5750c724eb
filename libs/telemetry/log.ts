import { mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { isSpanContextValid, trace } from "@opentelemetry/api";
import { destination as openDestination, type Logger as PinoLogger, pino, stdTimeFunctions } from "pino";

export type Logger = PinoLogger;

export type LogOptions = {
  readonly service: string;
  /** A file (appended to, its folder made if missing) or "stdout". Default: stdout. */
  readonly destination?: string;
  readonly level?: "trace" | "debug" | "info" | "warn" | "error" | "fatal" | "silent";
};

const secretNames = ["token", "authorization", "password", "secret", "RATATOUILLE_TOKEN"];

/**
 * A logger of JSON lines: level, time, service, `trace_id` and `span_id` of the active span, the fields, the message. Lines are written
 * synchronously, so that the last words of a process are there. Secrets are replaced: fields by name, bearer tokens and passwords in URLs anywhere.
 * Throws the file system's error when the file cannot be opened; a disk that fills up later only costs lines.
 * @example
 * ```ts
 * import { readFile } from "node:fs/promises";
 * import { temporaryDirectory } from "#libs/testing";
 * await using directory = await temporaryDirectory();
 * const log = createLogger({ service: "example", destination: directory.join("log.jsonl") });
 * log.info({ token: "abc", run: "night" }, "started");
 * const { msg, service, run, token } = JSON.parse(await readFile(directory.join("log.jsonl"), "utf8"));
 * [msg, service, run, token.includes("abc")]; // ["started", "example", "night", false]
 * ```
 */
export function createLogger({ service, destination = "stdout", level = "info" }: LogOptions): Logger {
  const fd = destination === "stdout" ? 1 : openLog(destination);
  const stream = openDestination({ dest: fd, sync: true });
  stream.on("error", () => {});
  return pino(
    {
      level,
      base: { service },
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: secretNames.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]), censor: "[redacted]" },
      mixin: traceIds,
      hooks: { streamWrite: redactText },
    },
    stream,
  );
}

function openLog(path: string): number {
  mkdirSync(dirname(path), { recursive: true });
  return openSync(path, "a", 0o600);
}

function traceIds(): Record<string, string> {
  const span = trace.getActiveSpan()?.spanContext();
  return span && isSpanContextValid(span) ? { trace_id: span.traceId, span_id: span.spanId } : {};
}

function redactText(line: string): string {
  return line.replace(/\b(Bearer )[\w.~+/=-]+/gi, "$1[redacted]").replace(/(:\/\/[^\s:@/"]*:)[^\s@/"]+@/g, "$1[redacted]@");
}
