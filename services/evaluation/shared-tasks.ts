/** Runs one task per key at a time; whoever asks for a key that is running waits for the same task. */
export type SharedTasks<T> = {
  /**
   * @param start runs the task. Its signal aborts when the last caller has gone, so one impatient caller does not take it from the others.
   * @throws the reason of `signal` when the caller's own signal aborts.
   */
  run(key: string, signal: AbortSignal, start: (signal: AbortSignal) => Promise<T>): Promise<T>;
};

type Task<T> = { readonly result: Promise<T>; readonly abort: AbortController; waiting: number };

/** No tasks yet. */
export function createSharedTasks<T>(): SharedTasks<T> {
  const tasks = new Map<string, Task<T>>();

  function begin(key: string, start: (signal: AbortSignal) => Promise<T>): Task<T> {
    const abort = new AbortController();
    const task: Task<T> = { abort, waiting: 0, result: start(abort.signal).finally(() => tasks.get(key) === task && tasks.delete(key)) };
    task.result.catch(() => {}); // every caller may be gone when it fails
    tasks.set(key, task);
    return task;
  }

  return {
    async run(key, signal, start) {
      signal.throwIfAborted();
      const task = tasks.get(key) ?? begin(key, start);
      task.waiting++;
      const gone = Promise.withResolvers<never>();
      const onAbort = () => gone.reject(signal.reason);
      signal.addEventListener("abort", onAbort, { once: true });
      try {
        return await Promise.race([task.result, gone.promise]);
      } finally {
        signal.removeEventListener("abort", onAbort);
        task.waiting--;
        if (task.waiting === 0) {
          task.abort.abort(signal.reason);
          // A later caller must not join a task that is being aborted.
          if (tasks.get(key) === task) tasks.delete(key);
        }
      }
    },
  };
}
