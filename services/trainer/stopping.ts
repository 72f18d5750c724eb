/** How a trainer is stopped: first it is asked, then time is up. */
export type Stopping = Disposable & {
  /** Aborts when the trainer is asked to end: it takes no more work, and brings what it has to a place where another one can go on. */
  readonly asked: AbortSignal;
  /** Aborts `graceMs` later, with the same reason: whatever is still under way is given up. */
  readonly timeUp: AbortSignal;
};

/** Follows a signal. */
export function stoppingAfter(asked: AbortSignal, graceMs: number): Stopping {
  const late = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const onAsked = () => {
    timer = setTimeout(() => late.abort(asked.reason), graceMs);
  };
  if (asked.aborted) onAsked();
  else asked.addEventListener("abort", onAsked, { once: true });
  return {
    asked,
    timeUp: late.signal,
    [Symbol.dispose]() {
      asked.removeEventListener("abort", onAsked);
      clearTimeout(timer);
    },
  };
}
