import { createLogger, type Logger, startTelemetry } from "#libs/telemetry";
import { ExitCode, exitCodeOf, InterruptedError, UsageError } from "./exit.ts";
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
 * The life of a process. `main` opens what it needs on the stack, works until it is done or `signal` aborts, and may give an exit code;
 * then the stack closes in reverse order, traces are flushed (to OTEL_EXPORTER_OTLP_ENDPOINT, where that is set), and the process ends:
 * 0 done (a service that was asked to stop and stopped is done), 1 failed, 2 wrong usage, 130 when `main` throws after an interruption.
 * The first SIGINT or SIGTERM aborts `signal`, the second ends the process at once.
 */
export async function runProcess(
  main: Main,
  { service, log = createLogger({ service }), onError = report }: ProcessOptions,
): Promise<never> {
  const abort = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    process.on(name, () => {
      if (abort.signal.aborted) process.exit(ExitCode.interrupted);
      abort.abort(new InterruptedError(name));
    });
  }
  const crash = (error: unknown) => {
    onError(error, log);
    process.exit(ExitCode.failed);
  };
  process.on("uncaughtException", crash);
  process.on("unhandledRejection", crash);
  process.exit(await live(main, { signal: abort.signal, log }, service, onError));
}

async function live(main: Main, context: ProcessContext, service: string, onError: (error: unknown, log: Logger) => void): Promise<number> {
  let code: number = ExitCode.done;
  try {
    await using stack = new AsyncDisposableStack();
    stack.use(startTelemetry({ service, version: VERSION, endpoint: process.env["OTEL_EXPORTER_OTLP_ENDPOINT"] }));
    code = (await main(stack, context)) ?? ExitCode.done;
  } catch (error) {
    code = exitCodeOf(error, context.signal);
    if (code !== ExitCode.interrupted) onError(error, context.log);
  }
  await Promise.all([flushed(process.stdout), flushed(process.stderr)]);
  return code;
}

function report(error: unknown, log: Logger): void {
  if (error instanceof UsageError) process.stderr.write(`${error.message}\n`);
  else log.error({ err: error }, "the process failed");
}

/** What was written to a pipe is not out yet when `write` returns, and `process.exit` would cut it off. */
function flushed(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    if (stream.destroyed || !stream.writable) return resolve();
    // The reader may be gone (`| head`), or may never read on.
    stream.once("error", () => resolve());
    setTimeout(resolve, 1000).unref();
    stream.write("", () => resolve());
  });
}
