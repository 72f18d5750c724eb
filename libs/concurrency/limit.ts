/** Runs a task when fewer than `most` others run; tasks start in the order of the calls. */
export type Limit = <T>(task: () => Promise<T>) => Promise<T>;

/** A bound on concurrency. */
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
