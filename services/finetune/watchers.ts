/** Who watches jobs. A watcher learns which jobs have changed since it last asked, each once: a slow one costs a set of ids. */
export type Watchers = {
  changed(jobId: string): void;
  watch(): Watcher;
};

export type Watcher = Disposable & {
  /** Ids of the jobs that changed; waits until there is one, or the signal aborts (then it may be empty). */
  take(signal: AbortSignal): Promise<string[]>;
};

/** Nobody watches yet. */
export function createWatchers(): Watchers {
  const watchers = new Set<(jobId: string) => void>();
  return {
    changed(jobId) {
      for (const tell of watchers) tell(jobId);
    },
    watch() {
      const ids = new Set<string>();
      let wake = () => {};
      const tell = (jobId: string) => {
        ids.add(jobId);
        wake();
      };
      watchers.add(tell);
      return {
        async take(signal) {
          if (ids.size === 0 && !signal.aborted) {
            await new Promise<void>((resolve) => {
              wake = () => {
                signal.removeEventListener("abort", wake);
                resolve();
              };
              signal.addEventListener("abort", wake, { once: true });
            });
          }
          const taken = [...ids];
          ids.clear();
          return taken;
        },
        [Symbol.dispose]() {
          watchers.delete(tell);
        },
      };
    },
  };
}
