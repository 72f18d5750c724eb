import type { Orders, OrdersResult } from "./order.ts";
import type { Schedule, Task } from "./schedule.ts";
import { openThreads, type ThreadsOptions } from "./threads.ts";

export type DispatchOptions = ThreadsOptions & {
  readonly schedule: Schedule;
  readonly signal: AbortSignal;
  /** One at a time, in the order in which they come. An error ends everything. */
  readonly onResult: (task: Task, result: OrdersResult) => void | Promise<void>;
};

/**
 * Runs all tasks of a schedule in threads, as soon as they may be. The first error, or the signal, ends everything; threads have ended
 * when this settles.
 */
export async function dispatch(options: DispatchOptions): Promise<void> {
  const { schedule, signal, onResult } = options;
  signal.throwIfAborted();
  let task = schedule.next();
  if (task === undefined) return;
  await using threads = openThreads<Orders, OrdersResult>(options);
  const ready: { task: Task; result: OrdersResult }[] = [];
  let running = 0;
  let failure: { readonly error: unknown } | undefined;
  let wake = () => {};

  const fail = (error: unknown) => {
    failure ??= { error };
    threads.cancel();
    wake();
  };
  const begin = (next: Task) => {
    running++;
    threads
      .run(next.orders)
      .then((result) => void ready.push({ task: next, result }), fail)
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
      while (task && running < threads.depth) {
        begin(task);
        task = running < threads.depth ? schedule.next() : undefined;
      }
      const done = ready.shift();
      if (done) await onResult(done.task, done.result);
      else if (running === 0) return;
      else await new Promise<void>((resolve) => (wake = resolve));
      task ??= running < threads.depth ? schedule.next() : undefined;
    }
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
