import { ExitCode, exitCodeOf, InterruptedError, isUnread } from "../exit.ts";

/** Streams to which nothing can be written any more. They know it themselves on no runtime: standard output is never destroyed. */
const broken = new WeakSet<NodeJS.WritableStream>();

export type LifeOptions = {
  /** Opens what lasts longer than all that `main` opens, and is closed after it; for example telemetry. */
  readonly begin?: () => AsyncDisposable;
  /** Tells the person or the log about an error that reached the top. */
  readonly onError: (error: unknown) => void | Promise<void>;
};

/**
 * The life of a process. `main` opens what it needs on the stack, works until it is done or `signal` aborts, and may give an exit code;
 * then the stack closes in reverse order, and the process ends: 0 done (a service that was asked to stop and stopped is done), 1 failed,
 * 2 wrong usage, 130 when `main` throws after an interruption.
 * The first SIGINT or SIGTERM aborts `signal`, the second ends the process at once. So does a reader of the output that goes away, as in
 * `… | head`: the exit code is 141 then, and nothing is said.
 */
export async function liveProcess(
  main: (stack: AsyncDisposableStack, signal: AbortSignal) => Promise<void> | Promise<number>,
  options: LifeOptions,
): Promise<never> {
  const abort = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    process.on(name, () => {
      if (abort.signal.aborted) process.exit(ExitCode.interrupted);
      abort.abort(new InterruptedError(name));
    });
  }
  const onPipe = (error: unknown) => {
    if (isUnread(error)) abort.abort(new InterruptedError("SIGPIPE"));
    else crash(error);
  };
  let crashed = false;
  const crash = (error: unknown) => {
    // On Bun a write that fails may be a rejection that nobody handles.
    if (isUnread(error)) return onPipe(error);
    if (crashed) process.exit(ExitCode.failed);
    crashed = true;
    void Promise.resolve(options.onError(error))
      .then(flushed)
      .then(() => process.exit(ExitCode.failed));
  };
  process.on("uncaughtException", crash);
  process.on("unhandledRejection", crash);
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error) => {
      broken.add(stream);
      onPipe(error);
    });
  }
  const code = await live(main, abort.signal, options);
  await flushed();
  process.exit(isUnread(abort.signal.reason) ? ExitCode.unread : code);
}

/** The part of `liveProcess` that is not about the process: opens, works, closes, tells about what stopped it, and gives the exit code. */
export async function live(main: Parameters<typeof liveProcess>[0], signal: AbortSignal, { begin, onError }: LifeOptions): Promise<number> {
  let code: number = ExitCode.done;
  try {
    await using stack = new AsyncDisposableStack();
    if (begin) stack.use(begin());
    code = (await main(stack, signal)) ?? ExitCode.done;
  } catch (error) {
    code = exitCodeOf(error, signal);
    if (code !== ExitCode.interrupted && code !== ExitCode.unread) await onError(error);
  }
  return code;
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
          if (stream.destroyed || stream.writableEnded || broken.has(stream)) return resolve();
          stream.once("error", () => resolve());
          stream.end(() => resolve());
        }),
    ),
  );
}
