import type { PlainError } from "./plain-error.ts";
import { openThreads, type Runner, type ThreadContext, type ThreadModule } from "./threads.ts";

export type { PlainError, Runner, ThreadContext, ThreadModule };

export type RunInThreadsOptions<U> = {
  /** A module that exports `setup(setup, { cancelled }): { run(unit), close() }`; it is called once in each thread. */
  readonly module: URL;
  /** Plain data: what every thread is set up with. */
  readonly setup: unknown;
  /** Plain data each: what is to be done. */
  readonly units: readonly U[];
  /** How many threads; 0 runs the units on the thread of the caller, with turns of the event loop between them. */
  readonly threads: number;
  readonly signal: AbortSignal;
  /** Makes the error that callers see of what a thread said. Without it an Error with the same name, message and fields. */
  readonly revive?: (error: PlainError) => Error;
};

/**
 * Runs units in threads and gives their results as they come, in whatever order. Units are handed out one by one in their order, so
 * that all threads are busy until the end; results that nobody takes hold back further units.
 * The first error ends everything and is thrown, with its name, message and fields. So does the signal, with its reason: units under
 * way are asked to end. The threads have ended when the iteration has, however that is.
 */
export async function* runInThreads<U, R>(options: RunInThreadsOptions<U>): AsyncGenerator<{ index: number; result: R }, void, undefined> {
  const { units, signal } = options;
  signal.throwIfAborted();
  if (units.length === 0) return;
  // More threads than units would only be started and ended.
  await using threads = openThreads<U, R>({ ...options, threads: Math.min(options.threads, units.length) });
  const ready: { index: number; result: R }[] = [];
  let next = 0;
  let running = 0;
  let failure: { readonly error: unknown } | undefined;
  let wake = () => {};

  const fail = (error: unknown) => {
    failure ??= { error };
    threads.cancel();
    wake();
  };
  const begin = (index: number) => {
    running++;
    threads
      .run(units[index]!)
      .then((result) => void ready.push({ index, result }), fail)
      .finally(() => {
        running--;
        wake();
      });
  };
  const onAbort = () => fail(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    while (true) {
      if (failure) throw failure.error;
      while (next < units.length && running + ready.length < threads.depth) begin(next++);
      const done = ready.shift();
      if (done) yield done;
      else if (running === 0) return;
      else await new Promise<void>((resolve) => (wake = resolve));
    }
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
