import { setImmediate as nextTurn } from "node:timers/promises";

/** A long computation that yields between its steps, each much shorter than a turn, and returns its result. */
export type Steps<T> = Generator<void, T, void>;

/** How long a computation may keep signals, timers and sockets waiting, in milliseconds. */
const TURN_MS = 40;

/**
 * Turns of the event loop in a pause. What waits for a socket needs several of them one after the other (Deno most of all), and
 * a pause of one would let it crawl along at one in 40 ms. A turn with nothing to do takes microseconds.
 */
const TURNS = 10;

/**
 * When this thread gave way last. One clock for all that it computes: many short computations in a row, of which each begins as soon as the
 * one before has ended, keep the event loop waiting just as a long one does.
 */
let gaveWayAt = performance.now();

/**
 * Lets signals, timers and sockets have their turns, where this thread has not done so for 40 ms. For loops that may go on and on without
 * waiting for anything.
 */
export async function giveWay(): Promise<void> {
  if (!isDue()) return;
  for (let turn = 0; turn < TURNS; turn++) await nextTurn();
  gaveWayAt = performance.now();
}

function isDue(): boolean {
  return performance.now() - gaveWayAt >= TURN_MS;
}

/**
 * The result of a computation, without a pause.
 * @example
 * ```ts
 * function* sum(count) {
 *   let total = 0;
 *   for (let i = 1; i <= count; i++) {
 *     total += i;
 *     yield;
 *   }
 *   return total;
 * }
 * finish(sum(4)); // 10
 * await finishInTurns(sum(4)); // 10
 * ```
 */
export function finish<T>(steps: Steps<T>): T {
  for (;;) {
    const next = steps.next();
    if (next.done) return next.value;
  }
}

/**
 * The result of a computation that gives way to the event loop about every 40 ms, together with those before it.
 * @throws the signal's reason, and then the computation is closed.
 */
export async function finishInTurns<T>(steps: Steps<T>, signal?: AbortSignal): Promise<T> {
  try {
    for (;;) {
      // Asked first: to wait for nothing may take longer than a step.
      if (isDue()) await giveWay();
      signal?.throwIfAborted();
      const next = steps.next();
      if (next.done) return next.value;
    }
  } finally {
    steps.return(undefined as never);
  }
}
