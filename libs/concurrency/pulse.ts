/** Tells any number of watchers that something changed, without queues: a watcher that is slow sees several changes as one. */
export type Pulse = {
  /** Counts the changes. */
  readonly version: number;
  beat(): void;
  /** Resolves when the version is no longer `seen`, or when the signal aborts. Waiting leaves nothing behind. */
  changed(seen: number, signal?: AbortSignal): Promise<void>;
};

/**
 * A pulse at version 0.
 * @example
 * ```ts
 * const pulse = createPulse();
 * const waiting = pulse.changed(pulse.version);
 * pulse.beat();
 * await waiting;
 * pulse.version; // 1
 * ```
 */
export function createPulse(): Pulse {
  let version = 0;
  const waiting = new Set<() => void>();
  return {
    get version() {
      return version;
    },
    beat() {
      version += 1;
      for (const wake of waiting) wake();
    },
    async changed(seen, signal) {
      if (version !== seen || signal?.aborted) return;
      await new Promise<void>((resolve) => {
        const wake = () => {
          waiting.delete(wake);
          signal?.removeEventListener("abort", wake);
          resolve();
        };
        waiting.add(wake);
        signal?.addEventListener("abort", wake);
      });
    },
  };
}
