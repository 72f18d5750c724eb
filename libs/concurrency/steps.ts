import { setImmediate as nextTurn } from "node:timers/promises";

/** A long computation that yields between its steps, each much shorter than a turn, and returns its result. */
export type Steps<T> = Generator<void, T, void>;

/** How long a computation may keep signals, timers and sockets waiting, in milliseconds. */
export const TURN_MS = 40;

/**
 * Turns of the event loop in a pause. What waits for a socket needs several of them one after the other (Deno most of all), and
 * a pause of one would let it crawl along at one in 40 ms. A turn with nothing to do takes microseconds.
 */
const TURNS = 10;

/** Lets signals, timers and sockets have their turns. */
export async function giveWay(): Promise<void> {
  for (let turn = 0; turn < TURNS; turn++) await nextTurn();
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
 * The result of a computation that gives way to the event loop about every 40 ms.
 * @throws the signal's reason, and then the computation is closed.
 */
export async function finishInTurns<T>(steps: Steps<T>, signal?: AbortSignal): Promise<T> {
  try {
    for (let turned = performance.now(); ; ) {
      signal?.throwIfAborted();
      const next = steps.next();
      if (next.done) return next.value;
      if (performance.now() - turned < TURN_MS) continue;
      await giveWay();
      turned = performance.now();
    }
  } finally {
    steps.return(undefined as never);
  }
}
