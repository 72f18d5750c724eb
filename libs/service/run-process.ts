import { createLogger, type Logger, startTelemetry } from "#libs/telemetry";
import { UsageError } from "./exit.ts";
import { liveProcess } from "./process/live.ts";
import { VERSION } from "./version.ts";

export type ProcessContext = {
  /** Aborts at the first SIGINT or SIGTERM, with an InterruptedError as reason. */
  readonly signal: AbortSignal;
  readonly log: Logger;
};

/** What a process does; a number it gives is the exit code. */
export type Main = (stack: AsyncDisposableStack, context: ProcessContext) => Promise<void> | Promise<number>;

export type ProcessOptions = {
  /** The name in logs and traces. */
  readonly service: string;
  /** Default: JSON lines on stdout. */
  readonly log?: Logger;
  /** Tells the person or the log about an error that reached the top. Default: wrong usage as a sentence on stderr, all else to the log. */
  readonly onError?: (error: unknown, log: Logger) => void;
};

/**
 * The life of a process, as `liveProcess` has it, with logs and telemetry: traces are flushed at its end (to
 * OTEL_EXPORTER_OTLP_ENDPOINT, where that is set).
 */
export function runProcess(main: Main, { service, log = createLogger({ service }), onError = report }: ProcessOptions): Promise<never> {
  return liveProcess((stack, signal) => main(stack, { signal, log }), {
    begin: () => startTelemetry({ service, version: VERSION, endpoint: process.env["OTEL_EXPORTER_OTLP_ENDPOINT"] }),
    onError: (error) => onError(error, log),
  });
}

function report(error: unknown, log: Logger): void {
  if (error instanceof UsageError) process.stderr.write(`${error.message}\n`);
  else log.error({ err: error }, "the process failed");
}
