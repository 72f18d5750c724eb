import { Worker } from "node:worker_threads";
import { type PlainError, restoreError } from "./plain-error.ts";
import type { Threads, ThreadsOptions } from "./types.ts";

/** What goes to a thread, its set-up first, and comes back. */
export type WorkerRequest =
  | { readonly setup: unknown; readonly cancelled: Int32Array }
  | { readonly id: number; readonly unit: unknown }
  | { readonly end: true };
export type WorkerReply =
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: PlainError }
  | { readonly closed: true };
export type WorkerData = { readonly module: string };

// A thread that has one unit under way and one waiting never waits for the thread that hands them out.
const UNITS_PER_THREAD = 2;

type Waiting = { readonly resolve: (result: unknown) => void; readonly reject: (error: Error) => void };
type Thread = {
  readonly worker: Worker;
  readonly waiting: Map<number, Waiting>;
  gone: boolean;
  readonly closed: Promise<void>;
  revive: (error: PlainError) => Error;
};

/** Threads that nobody has set up yet, by their module. */
const ahead = new Map<string, Thread[]>();

/**
 * Starts threads of a module before it is known what they are set up with: they load meanwhile, and the next `openThreads` of the module
 * takes them. Those that nobody has taken end when this is disposed; they keep no process alive.
 * @example
 * ```ts
 * import { writeFile } from "node:fs/promises";
 * import { pathToFileURL } from "node:url";
 * import { openThreads } from "#libs/threads";
 * import { temporaryDirectory } from "#libs/testing";
 * await using directory = await temporaryDirectory();
 * const module = pathToFileURL(directory.join("power.mjs"));
 * await writeFile(module, "export const setup = (exponent) => ({ run: (x) => x ** exponent, close() {} });");
 * using _ahead = startAhead(module, 2);
 * await using threads = openThreads({ module, setup: 2, threads: 2 });
 * await Promise.all([3, 4].map((x) => threads.run(x))); // [9, 16]
 * ```
 */
export function startAhead(module: URL, threads: number): Disposable {
  const started = Array.from({ length: threads }, () => launch(module.href));
  for (const { worker } of started) worker.unref();
  ahead.set(module.href, [...(ahead.get(module.href) ?? []), ...started]);
  return {
    [Symbol.dispose]() {
      const idle = ahead.get(module.href) ?? [];
      for (const thread of started) if (idle.includes(thread)) void thread.worker.terminate();
      const others = idle.filter((thread) => !started.includes(thread));
      if (others.length > 0) ahead.set(module.href, others);
      else ahead.delete(module.href);
    },
  };
}

/** Runs units in worker threads. One that dies rejects what it had, and the next unit that would be its starts another one. */
export function openWorkers<U, R>({ module, setup, threads: count, revive = restoreError }: ThreadsOptions): Threads<U, R> {
  const cancelled = new Int32Array(new SharedArrayBuffer(4));
  const startOne = () => {
    const thread = takeAhead(module.href) ?? launch(module.href);
    thread.revive = revive;
    thread.worker.postMessage({ setup, cancelled } satisfies WorkerRequest);
    return thread;
  };
  const threads = Array.from({ length: count }, startOne);
  let next = 0;
  let closed = false;

  /** The place of the thread that has least to do; one that lives before one that has to be started. */
  function idlest(): number {
    const burden = ({ waiting, gone }: Thread) => waiting.size + (gone ? 0.5 : 0);
    return threads.reduce((best, thread, i) => (burden(thread) < burden(threads[best]!) ? i : best), 0);
  }

  return {
    depth: count * UNITS_PER_THREAD,
    async run(unit) {
      if (closed) throw new Error("the threads have ended");
      const place = idlest();
      if (threads[place]!.gone) threads[place] = startOne();
      const { worker, waiting } = threads[place]!;
      const { promise, resolve, reject } = Promise.withResolvers<R>();
      const id = next++;
      // What cannot be sent throws, and nothing waits for it.
      worker.postMessage({ id, unit } satisfies WorkerRequest);
      waiting.set(id, { resolve: resolve as (result: unknown) => void, reject });
      return promise;
    },
    cancel: () => void Atomics.store(cancelled, 0, 1),
    async [Symbol.asyncDispose]() {
      closed = true;
      Atomics.store(cancelled, 0, 1);
      await Promise.all(threads.map(end));
    },
  };
}

function takeAhead(module: string): Thread | undefined {
  const threads = ahead.get(module) ?? [];
  for (let thread = threads.pop(); thread !== undefined; thread = threads.pop()) {
    if (thread.gone) continue;
    thread.worker.ref();
    return thread;
  }
  return undefined;
}

function launch(module: string): Thread {
  const worker = new Worker(new URL("worker.ts", import.meta.url), { workerData: { module } satisfies WorkerData });
  const { promise: closed, resolve: onClosed } = Promise.withResolvers<void>();
  const thread: Thread = { worker, waiting: new Map(), gone: false, closed, revive: restoreError };
  const lose = (error: Error) => {
    thread.gone = true;
    for (const { reject } of thread.waiting.values()) reject(error);
    thread.waiting.clear();
    onClosed();
  };
  worker.on("message", (reply: WorkerReply) => {
    if ("closed" in reply) return onClosed();
    const waiting = thread.waiting.get(reply.id);
    thread.waiting.delete(reply.id);
    if ("error" in reply) waiting?.reject(thread.revive(reply.error));
    else waiting?.resolve(reply.result);
  });
  worker.on("error", (cause) => lose(new Error(`a worker thread failed: ${(cause as Error)?.message ?? cause}`, { cause })));
  worker.on("exit", (code) => lose(new Error(`a worker thread ended with code ${code}`)));
  return thread;
}

/** Lets a thread finish what it has, close its files and end. */
async function end({ worker, gone, closed }: Thread): Promise<void> {
  if (!gone) worker.postMessage({ end: true } satisfies WorkerRequest);
  await closed;
  await worker.terminate();
}
