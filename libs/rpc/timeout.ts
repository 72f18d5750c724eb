import { LONGEST_TIMER_MS } from "#libs/concurrency";

/** Milliseconds of each unit of a grpc-timeout. See https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md. */
const units: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 1e-3, n: 1e-6 };

/** The milliseconds of a grpc-timeout; undefined if it is none. */
export function millisecondsOf(timeout: string): number | undefined {
  const [, amount, unit] = /^(\d{1,8}) ?([HMSmun])$/.exec(timeout) ?? [];
  return amount === undefined ? undefined : Number(amount) * units[unit!]!;
}

/**
 * A grpc-timeout, or the milliseconds of a Connect-Timeout-Ms: one that no timer can wait for becomes the longest one, 24.8 days. A timer
 * that is given more fires at once. What is no timeout stays as it is.
 * @example
 * ```ts
 * shortenedTimeout("99999999H"); // "2147483S"
 * shortenedTimeout("9999999999"); // "2147483647"
 * shortenedTimeout("500m"); // "500m"
 * ```
 */
export function shortenedTimeout(timeout: string): string {
  const plain = /^\d{1,10}$/.test(timeout);
  const milliseconds = plain ? Number(timeout) : (millisecondsOf(timeout) ?? 0);
  if (milliseconds <= LONGEST_TIMER_MS) return timeout;
  return plain ? String(LONGEST_TIMER_MS) : `${Math.floor(LONGEST_TIMER_MS / 1000)}S`;
}
