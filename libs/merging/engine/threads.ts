import { setImmediate as nextTurn } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { type PlainError, restoreError } from "./plain-error.ts";

/** What a module that runs in threads exports: `setup(value, context)`, called once in each thread. */
export type ThreadModule<S, U, R> = { readonly setup: (setup: S, context: ThreadContext) => Runner<U, R> | Promise<Runner<U, R>> };

/** One thread's resources. */
export type Runner<U, R> = {
  run(unit: U): R | Promise<R>;
  /** Large buffers of a result that nobody here needs any more: they change hands instead of being copied. */
  transfer?(result: R): ArrayBuffer[];
  close(): void;
};

/** What a unit may ask on its way. */
export type ThreadContext = {
  /** True when nobody waits for results any more: a long unit may end early, by throwing. */
  readonly cancelled: () => boolean;
};

export type ThreadsOptions = {
  /** A module that exports `setup`; see ThreadModule. */
  readonly module: URL;
  /** Plain data for `setup`. */
  readonly setup: unknown;
  /** How many; 0 runs the units on this thread, one at a time, with turns of the event loop between them. */
  readonly threads: number;
  /** Makes the error that callers see of what a thread said. Without it an Error with the same name, message and fields. */
  readonly revive?: (error: PlainError) => Error;
};

/** Threads that run units, each one after another. */
export type Threads<U, R> = AsyncDisposable & {
  /** Units that may be under way at once without one waiting for long: a thread has the next one at hand when it ends one. */
  readonly depth: number;
  /** Runs a unit on the thread that has least to do. Rejects with what it threw, and with an Error where its thread died. */
  run(unit: U): Promise<R>;
  /** Asks units under way to end early. No more are started. */
  cancel(): void;
};

/** What goes to a thread and comes back. Not part of the library's face. */
export type ThreadRequest = { readonly id: number; readonly unit: unknown } | { readonly end: true };
export type ThreadReply =
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: PlainError }
  | { readonly closed: true };
export type ThreadData = { readonly module: string; readonly setup: unknown; readonly cancelled: Int32Array };

// A thread that has one unit under way and one waiting never waits for the thread that hands them out.
const UNITS_PER_THREAD = 2;

/** Starts threads. They end when this is disposed, which waits for the units under way. */
export function openThreads<U, R>(options: ThreadsOptions): Threads<U, R> {
  return options.threads > 0 ? openWorkers(options) : openInline(options);
}

type Waiting = { readonly resolve: (result: unknown) => void; readonly reject: (error: Error) => void };
type Thread = { readonly worker: Worker; readonly waiting: Map<number, Waiting>; gone: Error | undefined; readonly closed: Promise<void> };

function openWorkers<U, R>({ module, setup, threads: count, revive = restoreError }: ThreadsOptions): Threads<U, R> {
  const cancelled = new Int32Array(new SharedArrayBuffer(4));
  const threads = Array.from({ length: count }, () => start({ module: module.href, setup, cancelled }, revive));
  let next = 0;
  return {
    depth: count * UNITS_PER_THREAD,
    run(unit) {
      const { promise, resolve, reject } = Promise.withResolvers<R>();
      const thread = threads.reduce((a, b) => (b.waiting.size < a.waiting.size ? b : a));
      if (thread.gone) return Promise.reject(thread.gone);
      const id = next++;
      thread.waiting.set(id, { resolve: resolve as (result: unknown) => void, reject });
      thread.worker.postMessage({ id, unit } satisfies ThreadRequest);
      return promise;
    },
    cancel: () => void Atomics.store(cancelled, 0, 1),
    async [Symbol.asyncDispose]() {
      Atomics.store(cancelled, 0, 1);
      await Promise.all(threads.map(end));
    },
  };
}

function start(workerData: ThreadData, revive: (error: PlainError) => Error): Thread {
  const worker = new Worker(new URL("thread.ts", import.meta.url), { workerData });
  const { promise: closed, resolve: onClosed } = Promise.withResolvers<void>();
  const thread: Thread = { worker, waiting: new Map(), gone: undefined, closed };
  const lose = (error: Error) => {
    thread.gone ??= error;
    for (const { reject } of thread.waiting.values()) reject(thread.gone);
    thread.waiting.clear();
    onClosed();
  };
  worker.on("message", (reply: ThreadReply) => {
    if ("closed" in reply) return onClosed();
    const waiting = thread.waiting.get(reply.id);
    thread.waiting.delete(reply.id);
    if ("error" in reply) waiting?.reject(revive(reply.error));
    else waiting?.resolve(reply.result);
  });
  worker.on("error", (cause) => lose(new Error(`a worker thread failed: ${(cause as Error)?.message ?? cause}`, { cause })));
  worker.on("exit", (code) => {
    lose(new Error(`a worker thread ended with code ${code}`));
  });
  return thread;
}

/** Lets a thread finish what it has, close its files and end. */
async function end({ worker, gone, closed }: Thread): Promise<void> {
  if (gone === undefined) worker.postMessage({ end: true } satisfies ThreadRequest);
  await closed;
  await worker.terminate();
}

function openInline<U, R>({ module, setup }: ThreadsOptions): Threads<U, R> {
  let isCancelled = false;
  const runner = (import(module.href) as Promise<ThreadModule<unknown, U, R>>).then((loaded) =>
    loaded.setup(setup, { cancelled: () => isCancelled }),
  );
  runner.catch(() => undefined);
  let last: Promise<unknown> = runner;
  return {
    depth: 1,
    run(unit) {
      const result = last.then(async () => {
        await nextTurn();
        return (await runner).run(unit);
      });
      last = result.catch(() => undefined);
      return result;
    },
    cancel() {
      isCancelled = true;
    },
    async [Symbol.asyncDispose]() {
      isCancelled = true;
      await last.catch(() => undefined);
      await runner.then(
        (opened) => opened.close(),
        () => undefined,
      );
    },
  };
}
