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
  /** Numbers of reports so far, and the newest. */
  reports: number;
  progress: P | undefined;
  /** Resolves at the next report and at the end. */
  news: PromiseWithResolvers<void>;
};

/** No work yet. */
export function createSharedWork<P, T>(): SharedWork<P, T> {
  const running = new Map<string, Work<P, T>>();

  function begin(key: string, start: (context: WorkContext<P>) => Promise<T>): Work<P, T> {
    const abort = new AbortController();
    const work = { abort, followers: 0, settled: false, reports: 0, progress: undefined, news: Promise.withResolvers<void>() } as Work<
      P,
      T
    >;
    running.set(key, work);
    const tell = () => {
      const { resolve } = work.news;
      work.news = Promise.withResolvers();
      resolve();
    };
    const report = (progress: P) => {
      work.progress = progress;
      work.reports++;
      tell();
    };
    work.result = start({ signal: abort.signal, report }).finally(() => {
      work.settled = true;
      leave(key, work);
      tell();
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
      const gone = Promise.withResolvers<never>();
      gone.promise.catch(() => {}); // it is awaited only while there is no news
      const onAbort = () => gone.reject(signal.reason);
      signal.addEventListener("abort", onAbort, { once: true });
      try {
        for (let seen = 0; !work.settled; ) {
          const { news } = work;
          if (work.reports > seen) {
            seen = work.reports;
            yield work.progress as P;
          } else await Promise.race([news.promise, gone.promise]);
        }
        return await work.result;
      } finally {
        signal.removeEventListener("abort", onAbort);
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
