/** Leases on attempts: a lease that nobody renews, or whose stream breaks, is lost. In memory: after a restart trainers renew or are gone. */
export type Leases = {
  /** Starts or renews the lease of an attempt. */
  renew(jobId: string, attempt: number): void;
  /** Ends a lease without a loss, because the attempt has ended. */
  end(jobId: string, attempt: number): void;
  /** The attempt's stream broke: it is lost now. */
  lose(jobId: string, attempt: number): void;
  has(jobId: string): boolean;
  [Symbol.dispose](): void;
};

/**
 * Leases of `leaseMs`.
 * @param onLost is told once of each lease that is lost.
 */
export function createLeases(leaseMs: number, onLost: (jobId: string, attempt: number) => void): Leases {
  const held = new Map<string, { readonly attempt: number; readonly timer: NodeJS.Timeout }>();
  const drop = (jobId: string) => {
    clearTimeout(held.get(jobId)?.timer);
    held.delete(jobId);
  };
  const leases: Leases = {
    renew(jobId, attempt) {
      drop(jobId);
      const timer = setTimeout(() => leases.lose(jobId, attempt), leaseMs);
      timer.unref();
      held.set(jobId, { attempt, timer });
    },
    end(jobId, attempt) {
      if (held.get(jobId)?.attempt === attempt) drop(jobId);
    },
    lose(jobId, attempt) {
      if (held.get(jobId)?.attempt !== attempt) return;
      drop(jobId);
      onLost(jobId, attempt);
    },
    has: (jobId) => held.has(jobId),
    [Symbol.dispose]() {
      for (const jobId of [...held.keys()]) drop(jobId);
    },
  };
  return leases;
}
