import { openThreads } from "./threads.ts";
import type { ThreadsOptions } from "./types.ts";

export type RunTasksOptions<T, U> = ThreadsOptions & {
  /** What may be done next; undefined where nothing may before a result has been taken, or at all. */
  readonly next: () => T | undefined;
  /** What a thread is told of a task: plain data. */
  readonly unitOf: (task: T) => U;
  readonly signal: AbortSignal;
};

/**
 * Runs tasks in threads, as soon as they may be, and gives their results as they come, in whatever order. Ends when nothing is under way
 * and there is nothing to do. Results that nobody takes hold back further tasks.
 * The first error ends everything and is thrown, with its name, message and fields. So does the signal, with its reason: tasks under
 * way are asked to end. The threads have ended when the iteration has, however that is.
 * @example
 * ```ts
 * import { writeFile } from "node:fs/promises";
 * import { pathToFileURL } from "node:url";
 * import { temporaryDirectory } from "#libs/testing";
 * await using directory = await temporaryDirectory();
 * const module = pathToFileURL(directory.join("power.mjs"));
 * await writeFile(module, "export const setup = (exponent) => ({ run: (x) => x ** exponent, close() {} });");
 * // A task may depend on results: the next is known when the last one has come.
 * let last = 2;
 * const next = () => (last < 100 ? last : undefined);
 * const options = { module, setup: 2, threads: 0, next, unitOf: (x: number) => x, signal: new AbortController().signal };
 * for await (const { result } of runTasks<number, number, number>(options)) last = result;
 * last; // 256
 * ```
 */
export async function* runTasks<T, U, R>(options: RunTasksOptions<T, U>): AsyncGenerator<{ task: T; result: R }, void, undefined> {
  const { next, unitOf, signal } = options;
  signal.throwIfAborted();
  let task = next();
  if (task === undefined) return;
  await using threads = openThreads<U, R>(options);
  const ready: { task: T; result: R }[] = [];
  let running = 0;
  let failure: { readonly error: unknown } | undefined;
  let wake = () => {};

  const fail = (error: unknown) => {
    failure ??= { error };
    threads.cancel();
    wake();
  };
  const begin = (begun: T) => {
    running++;
    threads
      .run(unitOf(begun))
      .then((result) => void ready.push({ task: begun, result }), fail)
      .finally(() => {
        running--;
        wake();
      });
  };
  const hasRoom = () => running < threads.depth && ready.length < threads.depth;
  const onAbort = () => fail(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    while (true) {
      if (failure) throw failure.error;
      while (hasRoom()) {
        task ??= next();
        if (task === undefined) break;
        begin(task);
        task = undefined;
      }
      const done = ready.shift();
      if (done) yield done;
      else if (running === 0) return;
      else await new Promise<void>((resolve) => (wake = resolve));
    }
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

export type RunInThreadsOptions<U> = ThreadsOptions & {
  /** Plain data each: what is to be done. */
  readonly units: readonly U[];
  readonly signal: AbortSignal;
};

/**
 * Runs units in threads, all of which may be done at once, and gives their results as they come: see runTasks. Units are handed out one
 * by one in their order, so that all threads are busy until the end.
 * @example
 * ```ts
 * import { writeFile } from "node:fs/promises";
 * import { pathToFileURL } from "node:url";
 * import { temporaryDirectory } from "#libs/testing";
 * await using directory = await temporaryDirectory();
 * const module = pathToFileURL(directory.join("power.mjs"));
 * await writeFile(module, "export const setup = (exponent) => ({ run: (x) => x ** exponent, close() {} });");
 * const { signal } = new AbortController();
 * const squares: number[] = [];
 * const options = { module, setup: 2, units: [1, 2, 3], threads: 2, signal };
 * for await (const { index, result } of runInThreads<number, number>(options)) squares[index] = result;
 * squares; // [1, 4, 9]
 * ```
 */
export async function* runInThreads<U, R>(options: RunInThreadsOptions<U>): AsyncGenerator<{ index: number; result: R }, void, undefined> {
  const { units } = options;
  let index = 0;
  const run = runTasks<number, U, R>({
    ...options,
    // More threads than units would only be started and ended.
    threads: Math.min(options.threads, units.length),
    next: () => (index < units.length ? index++ : undefined),
    unitOf: (task) => units[task]!,
  });
  for await (const { task, result } of run) yield { index: task, result };
}
