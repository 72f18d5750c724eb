import { createPulse, type Pulse } from "./pulse.ts";

/** What a piece of work gets: when to stop, and whom to tell how far it is. */
export type WorkContext<P> = { readonly signal: AbortSignal; readonly report: (progress: P) => void };

/** Does each piece of work once at a time; everyone who asks for it meanwhile follows the same one. */
export type SharedWork<P, T> = {
  /**
   * Joins the work of a key, or starts it. Yields its progress, the newest only, and returns its result.
   * The work's own signal aborts when its last follower has gone, so one impatient follower does not take it from the others.
   * Throws what the work throws, or the reason of `signal`.
   */
  follow(key: string, signal: AbortSignal, start: (context: WorkContext<P>) => Promise<T>): AsyncGenerator<P, T, undefined>;
  /** The same for those who do not care how far it is. */
  run(key: string, signal: AbortSignal, start: (signal: AbortSignal) => Promise<T>): Promise<T>;
};

type Work<P, T> = {
  readonly abort: AbortController;
  result: Promise<T>;
  followers: number;
  settled: boolean;
  /** The newest report. */
  progress: P | undefined;
  /** Beats at each report and at the end. */
  readonly news: Pulse;
};

/**
 * No work yet.
 * @example
 * ```ts
 * const shared = createSharedWork();
 * let calls = 0;
 * const slow = async () => ++calls;
 * const { signal } = new AbortController();
 * await Promise.all([shared.run("key", signal, slow), shared.run("key", signal, slow)]); // [1, 1]
 * ```
 */
export function createSharedWork<P, T>(): SharedWork<P, T> {
  const running = new Map<string, Work<P, T>>();

  function begin(key: string, start: (context: WorkContext<P>) => Promise<T>): Work<P, T> {
    const abort = new AbortController();
    const news = createPulse();
    const work = { abort, followers: 0, settled: false, progress: undefined, news } as Work<P, T>;
    running.set(key, work);
    const report = (progress: P) => {
      work.progress = progress;
      news.beat();
    };
    work.result = start({ signal: abort.signal, report }).finally(() => {
      work.settled = true;
      leave(key, work);
      news.beat();
    });
    work.result.catch(() => {}); // every follower may be gone when it fails
    return work;
  }

  function leave(key: string, work: Work<P, T>): void {
    if (running.get(key) === work) running.delete(key);
  }

  const shared: SharedWork<P, T> = {
    async *follow(key, signal, start) {
      signal.throwIfAborted();
      const work = running.get(key) ?? begin(key, start);
      work.followers++;
      try {
        for (let seen = 0; !work.settled; ) {
          if (work.news.version > seen) {
            seen = work.news.version;
            yield work.progress as P;
          } else {
            await work.news.changed(seen, signal);
            if (!work.settled) signal.throwIfAborted();
          }
        }
        return await work.result;
      } finally {
        work.followers--;
        if (work.followers === 0 && !work.settled) {
          // A later follower must not join work that is being aborted.
          leave(key, work);
          work.abort.abort(signal.reason);
        }
      }
    },
    async run(key, signal, start) {
      const following = shared.follow(key, signal, (context) => start(context.signal));
      for (;;) {
        const step = await following.next();
        if (step.done) return step.value;
      }
    },
  };
  return shared;
}
