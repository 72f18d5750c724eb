import { Worker } from "node:worker_threads";
import { type PlainError, restoreError } from "./plain-error.ts";
import type { Threads, ThreadsOptions } from "./types.ts";

/** What goes to a thread and comes back. */
export type WorkerRequest = { readonly id: number; readonly unit: unknown } | { readonly end: true };
export type WorkerReply =
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: PlainError }
  | { readonly closed: true };
export type WorkerData = { readonly module: string; readonly setup: unknown; readonly cancelled: Int32Array };

// A thread that has one unit under way and one waiting never waits for the thread that hands them out.
const UNITS_PER_THREAD = 2;

type Waiting = { readonly resolve: (result: unknown) => void; readonly reject: (error: Error) => void };
type Thread = { readonly worker: Worker; readonly waiting: Map<number, Waiting>; gone: boolean; readonly closed: Promise<void> };

/** Runs units in worker threads. One that dies rejects what it had, and the next unit that would be its starts another one. */
export function openWorkers<U, R>({ module, setup, threads: count, revive = restoreError }: ThreadsOptions): Threads<U, R> {
  const cancelled = new Int32Array(new SharedArrayBuffer(4));
  const startOne = () => start({ module: module.href, setup, cancelled }, revive);
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

function start(workerData: WorkerData, revive: (error: PlainError) => Error): Thread {
  const worker = new Worker(new URL("worker.ts", import.meta.url), { workerData });
  const { promise: closed, resolve: onClosed } = Promise.withResolvers<void>();
  const thread: Thread = { worker, waiting: new Map(), gone: false, closed };
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
    if ("error" in reply) waiting?.reject(revive(reply.error));
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
