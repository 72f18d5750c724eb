import { availableParallelism } from "node:os";
import { type Transferable, Worker } from "node:worker_threads";
import { InvalidEvaluationError, WorkerCrashedError } from "./errors.ts";
import type { WorkerReply, WorkerRequest } from "./worker-protocol.ts";

/** A job and the buffers in it that change hands. */
export type Prepared<Job> = { readonly job: Job; readonly transfer: readonly Transferable[] };

/** Worker threads that run jobs, each one job at a time. They are started when needed and never keep the process alive. */
export type WorkerPool<Job, Result> = {
  /**
   * Runs a job. `prepare` is called when a thread is free, so that waiting jobs hold no copies of their data;
   * `transfer` lists buffers in the job that move to the thread instead of being copied.
   * @throws the reason of `signal` when it aborts: the worker then stops at its next forward pass.
   * @throws InvalidEvaluationError, WorkerCrashedError, or an Error with the worker's message.
   */
  run(prepare: () => Prepared<Job>, signal: AbortSignal): Promise<Result>;
  /** Threads that live now. */
  readonly size: number;
  /** Ends all threads. Jobs that run or wait fail. */
  [Symbol.asyncDispose](): Promise<void>;
};

export type WorkerPoolOptions = {
  /** The module that the threads run. */
  readonly module: URL;
  /** The most threads. By default as many as the process may use cores. */
  readonly workers?: number | undefined;
  /** A thread without work ends after this time. 30 s by default. */
  readonly idleMs?: number;
};

type Pending = {
  readonly prepare: () => Prepared<unknown>;
  readonly cancelled: Int32Array;
  readonly settle: (reply: WorkerReply<unknown> | Error) => void;
};
type Thread = { readonly worker: Worker; current: Pending | undefined; idle: NodeJS.Timeout | undefined };

/** A pool without threads; the first job starts one. */
export function createWorkerPool<Job, Result>({ module, workers, idleMs = 30_000 }: WorkerPoolOptions): WorkerPool<Job, Result> {
  const limit = Math.max(1, workers ?? availableParallelism());
  const threads = new Set<Thread>();
  const queue: Pending[] = [];
  let closed = false;

  function start(): Thread {
    const worker = new Worker(module);
    const thread: Thread = { worker, current: undefined, idle: undefined };
    threads.add(thread);
    worker.on("message", (reply: WorkerReply<unknown>) => finish(thread, reply));
    worker.on("error", (cause) => lose(thread, new WorkerCrashedError(`an evaluation worker crashed: ${messageOf(cause)}`, { cause })));
    worker.on("exit", (code) =>
      lose(thread, new WorkerCrashedError(`an evaluation worker ended with code ${code} in the middle of a job`)),
    );
    return thread;
  }

  function finish(thread: Thread, outcome: WorkerReply<unknown> | Error): void {
    const done = thread.current;
    thread.current = undefined;
    done?.settle(outcome);
    dispatch();
    if (thread.current !== undefined || !threads.has(thread)) return;
    thread.worker.unref();
    thread.idle = setTimeout(() => void retire(thread), idleMs);
    thread.idle.unref();
  }

  function lose(thread: Thread, error: Error): void {
    if (!threads.delete(thread)) return;
    clearTimeout(thread.idle);
    void thread.worker.terminate();
    finish(thread, error);
  }

  async function retire(thread: Thread): Promise<void> {
    clearTimeout(thread.idle);
    threads.delete(thread);
    await thread.worker.terminate();
  }

  function dispatch(): void {
    while (queue.length > 0 && !closed) {
      const thread = [...threads].find(({ current }) => current === undefined) ?? (threads.size < limit ? start() : undefined);
      if (thread === undefined) return;
      const pending = queue.shift()!;
      clearTimeout(thread.idle);
      thread.current = pending;
      thread.worker.ref();
      try {
        const { job, transfer } = pending.prepare();
        thread.worker.postMessage({ job, cancelled: pending.cancelled } satisfies WorkerRequest<unknown>, transfer);
      } catch (error) {
        finish(thread, error as Error);
      }
    }
  }

  return {
    get size() {
      return threads.size;
    },
    run(prepare, signal) {
      const { promise, resolve, reject } = Promise.withResolvers<Result>();
      if (signal.aborted || closed) {
        reject(signal.aborted ? signal.reason : new Error("the worker pool is closed"));
        return promise;
      }
      const cancelled = new Int32Array(new SharedArrayBuffer(4));
      const onAbort = () => {
        Atomics.store(cancelled, 0, 1);
        const position = queue.indexOf(pending);
        if (position >= 0) queue.splice(position, 1);
        reject(signal.reason);
      };
      const pending: Pending = {
        prepare,
        cancelled,
        settle(outcome) {
          signal.removeEventListener("abort", onAbort);
          if (outcome instanceof Error) reject(outcome);
          else if ("result" in outcome) resolve(outcome.result as Result);
          else reject(outcome.violations ? new InvalidEvaluationError(outcome.violations) : new Error(outcome.message));
        },
      };
      signal.addEventListener("abort", onAbort, { once: true });
      queue.push(pending);
      dispatch();
      return promise;
    },
    async [Symbol.asyncDispose]() {
      closed = true;
      const error = new Error("the worker pool is closed");
      for (const pending of queue.splice(0)) pending.settle(error);
      const all = [...threads];
      threads.clear();
      for (const { current } of all) {
        if (current === undefined) continue;
        Atomics.store(current.cancelled, 0, 1);
        current.settle(error);
      }
      await Promise.all(all.map(retire));
    },
  };
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
