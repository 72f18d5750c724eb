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
  const held = new Map<string, { readonly endsAt: number; readonly timer: Timer }>();
  const drop = (key: string) => {
    held.get(key)?.timer[Symbol.dispose]();
    held.delete(key);
  };
  const hold = (jobId: string, attempt: number, forMs: number, how: string) => {
    const key = keyOf(jobId, attempt);
    drop(key);
    const timer = after(forMs, () => {
      const written = () => {
        if (held.get(key)?.timer === timer) held.delete(key);
      };
      onLost(jobId, attempt, how).then(written, written);
    }).unref();
    held.set(key, { endsAt: performance.now() + forMs, timer });
  };
  return {
    renew: (jobId, attempt) => hold(jobId, attempt, leaseMs, `said nothing for ${leaseMs / 1000} s`),
    end: (jobId, attempt) => drop(keyOf(jobId, attempt)),
    shorten(jobId, attempt, graceMs) {
      const lease = held.get(keyOf(jobId, attempt));
      if (!lease || lease.endsAt - performance.now() <= graceMs) return;
      hold(jobId, attempt, graceMs, "ended its connection and did not come back");
    },
    adopt(jobId, attempt, forMs, how) {
      if (!held.has(keyOf(jobId, attempt))) hold(jobId, attempt, forMs, how);
    },
    [Symbol.dispose]() {
      for (const key of [...held.keys()]) drop(key);
    },
  };
}

function keyOf(jobId: string, attempt: number): string {
  return `${jobId}/${attempt}`;
}
