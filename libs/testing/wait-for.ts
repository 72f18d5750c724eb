import { setTimeout as sleep } from "node:timers/promises";

/**
 * How long to wait, and what for: `what` is the end of the sentence "waited in vain for …". `intervalMs` is the time between two looks;
 * without it they begin 5 ms apart and become rarer.
 */
export type WaitOptions = { timeoutMs?: number; what?: string; intervalMs?: number };

/** A look is often a call of a server, which has other work to do. What has taken long may go unnoticed for a twentieth of that. */
const rarer = (waitedMs: number) => Math.min(Math.max(5, waitedMs / 20), 50);

/** What is left of a type when it is truthy. */
type Truthy<T> = Exclude<T, false | 0 | "" | null | undefined>;

/**
 * Waits until `condition` gives something truthy and returns it. An error of the condition counts as "not yet".
 * Throws after `timeoutMs` (30 s by default, which a busy machine may need), with the last error as its cause.
 * @example
 * ```ts
 * let looks = 0;
 * await waitFor(() => ++looks === 3 && "found"); // "found"
 * looks; // 3
 * ```
 */
export async function waitFor<T>(condition: () => T | Promise<T>, options: WaitOptions = {}): Promise<Truthy<T>> {
  const { timeoutMs = 30_000, what = "a condition", intervalMs } = options;
  const started = performance.now();
  let cause: unknown;
  for (;;) {
    try {
      const value = await condition();
      if (value) return value as Truthy<T>;
      cause = undefined;
    } catch (error) {
      cause = error;
    }
    const waitedMs = performance.now() - started;
    if (waitedMs > timeoutMs) throw new Error(`waited ${timeoutMs} ms in vain for ${what}`, { cause });
    await sleep(intervalMs ?? rarer(waitedMs));
  }
}
