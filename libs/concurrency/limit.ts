/** Runs a task when fewer than `most` others run; tasks start in the order of the calls. */
export type Limit = <T>(task: () => Promise<T>) => Promise<T>;

/**
 * A bound on concurrency.
 * @param most at least 1: with less, no task ever runs.
 * @example
 * ```ts
 * const limit = createLimit(2);
 * let [running, most] = [0, 0];
 * const task = async () => {
 *   most = Math.max(most, ++running);
 *   await giveWay();
 *   running--;
 * };
 * await Promise.all([1, 2, 3, 4].map(() => limit(task)));
 * most; // 2
 * ```
 */
export function createLimit(most: number): Limit {
  let running = 0;
  const waiting: (() => void)[] = [];
  return async (task) => {
    if (running >= most) await new Promise<void>((resolve) => waiting.push(resolve));
    else running += 1;
    try {
      return await task();
    } finally {
      // The place goes to the next one without being free in between.
      const next = waiting.shift();
      if (next) next();
      else running -= 1;
    }
  };
}
