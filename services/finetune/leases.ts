import { after, type Timer } from "#libs/concurrency";

/** Leases on attempts: a lease that nobody renews in time is lost. In memory: after a restart trainers renew or are gone. */
export type Leases = {
  /** Starts or renews the lease of an attempt. */
  renew(jobId: string, attempt: number): void;
  /** Ends a lease without a loss, because the attempt has ended. */
  end(jobId: string, attempt: number): void;
  /** The attempt's progress stream broke: what is left of its lease is `graceMs` at most, until it is renewed. */
  shorten(jobId: string, attempt: number, graceMs: number): void;
  /** Gives an attempt a lease of `forMs` that is running without one; `how` says how it was lost, if nobody renews it. */
  adopt(jobId: string, attempt: number, forMs: number, how: string): void;
  [Symbol.dispose](): void;
};

/**
 * Leases of `leaseMs`, measured by a clock that nobody sets.
 * @param onLost is told once of each lease that is lost, and how: it completes "the trainer …". The lease is there until that is written; if
 * it rejects, the attempt is left without one, for `adopt`.
 */
export function createLeases(leaseMs: number, onLost: (jobId: string, attempt: number, how: string) => Promise<void>): Leases {
  const held = new Map<string, { readonly attempt: number; readonly endsAt: number; readonly timer: Timer }>();
  const drop = (jobId: string) => {
    held.get(jobId)?.timer[Symbol.dispose]();
    held.delete(jobId);
  };
  const hold = (jobId: string, attempt: number, forMs: number, how: string) => {
    drop(jobId);
    const timer = after(forMs, () => {
      const written = () => {
        if (held.get(jobId)?.timer === timer) held.delete(jobId);
      };
      onLost(jobId, attempt, how).then(written, written);
    }).unref();
    held.set(jobId, { attempt, endsAt: performance.now() + forMs, timer });
  };
  return {
    renew: (jobId, attempt) => hold(jobId, attempt, leaseMs, `said nothing for ${leaseMs / 1000} s`),
    end(jobId, attempt) {
      if (held.get(jobId)?.attempt === attempt) drop(jobId);
    },
    shorten(jobId, attempt, graceMs) {
      const lease = held.get(jobId);
      if (lease?.attempt !== attempt || lease.endsAt - performance.now() <= graceMs) return;
      hold(jobId, attempt, graceMs, "ended its connection and did not come back");
    },
    adopt(jobId, attempt, forMs, how) {
      if (!held.has(jobId)) hold(jobId, attempt, forMs, how);
    },
    [Symbol.dispose]() {
      for (const jobId of [...held.keys()]) drop(jobId);
    },
  };
}
