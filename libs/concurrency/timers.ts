/** The longest time a timer of JavaScript waits, in milliseconds: 24.8 days. Longer ones fire at once. */
export const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** A timer that can be forgotten. Disposing of it stops it. */
export type Timer = Disposable & {
  /** Lets the process end while it waits. */
  unref(): Timer;
};

/**
 * Calls back after any time, also one of more than 24.8 days, and never for `Infinity`. A time below zero, and one that is no number,
 * is none.
 * @example
 * ```ts
 * const done = Promise.withResolvers();
 * using timer = after(1, () => done.resolve("late"));
 * using never = after(90 * 86_400_000, () => done.resolve("in 90 days"));
 * await done.promise; // "late"
 * ```
 */
export function after(ms: number, callback: () => void): Timer {
  let referenced = true;
  let timer: NodeJS.Timeout | undefined;
  const end = performance.now() + Math.max(0, ms);
  const wait = () => {
    // Timers drop fractions: without rounding up it would ring up to a millisecond early.
    const left = Math.ceil(end - performance.now());
    timer = setTimeout(left > LONGEST_TIMER_MS ? wait : callback, Math.min(LONGEST_TIMER_MS, Math.max(0, left)));
    if (!referenced) timer.unref();
  };
  if (ms !== Number.POSITIVE_INFINITY) wait();
  const self: Timer = {
    unref() {
      referenced = false;
      timer?.unref();
      return self;
    },
    [Symbol.dispose]: () => clearTimeout(timer),
  };
  return self;
}

/**
 * Resolves after any time, or when the signal aborts; never rejects. Leaves nothing behind.
 * @returns whether the time has passed, and not the signal aborted first
 * @example
 * ```ts
 * await pause(1); // true
 * await pause(60_000, AbortSignal.abort()); // false
 * ```
 */
export async function pause(ms: number, signal?: AbortSignal, { ref = true } = {}): Promise<boolean> {
  if (signal?.aborted) return false;
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const onAbort = () => resolve(false);
  using timer = after(ms, () => resolve(true));
  if (!ref) timer.unref();
  signal?.addEventListener("abort", onAbort);
  try {
    return await promise;
  } finally {
    signal?.removeEventListener("abort", onAbort);
  }
}

/**
 * What a promise gives, if it gives it in time; `undefined` after `ms`. What it rejects with in time is thrown, what comes later is
 * nobody's. The timer does not outlive the promise.
 * @example
 * ```ts
 * await within(60_000, Promise.resolve(3)); // 3
 * await within(1, new Promise(() => {})); // undefined
 * ```
 */
export async function within<T>(ms: number, work: Promise<T>): Promise<T | undefined> {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  using _ = after(ms, () => resolve(undefined));
  return await Promise.race([work, promise]);
}
