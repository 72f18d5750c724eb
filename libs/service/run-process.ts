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
  let crashed = false;
  const crash = (error: unknown) => {
    if (crashed) process.exit(ExitCode.failed);
    crashed = true;
    onError(error, log);
    void flushed().then(() => process.exit(ExitCode.failed));
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
  await flushed();
  return code;
}

function report(error: unknown, log: Logger): void {
  if (error instanceof UsageError) process.stderr.write(`${error.message}\n`);
  else log.error({ err: error }, "the process failed");
}

/**
 * Resolves when what was written is out: in a pipe it is not yet when `write` returns, and `process.exit` would cut it off. Waits for a
 * slow reader as long as it takes (a second signal still ends the process); a reader that is gone ends the wait. By `end`, as on
 * Bun 1.4 the callback of an empty write comes before the writes in front of it are out.
 */
function flushed(): Promise<unknown> {
  return Promise.all(
    [process.stdout, process.stderr].map(
      (stream) =>
        new Promise<void>((resolve) => {
          if (stream.destroyed || stream.writableEnded) return resolve();
          stream.once("error", () => resolve());
          stream.end(() => resolve());
        }),
    ),
  );
}
