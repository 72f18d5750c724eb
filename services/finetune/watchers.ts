import { createPulse } from "#libs/concurrency";

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
      const told = createPulse();
      const tell = (jobId: string) => {
        ids.add(jobId);
        told.beat();
      };
      watchers.add(tell);
      return {
        async take(signal) {
          if (ids.size === 0) await told.changed(told.version, signal);
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
