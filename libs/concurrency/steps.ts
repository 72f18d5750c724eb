import { setImmediate as nextTurn } from "node:timers/promises";

/** A long computation that yields between its steps, each much shorter than a turn, and returns its result. */
export type Steps<T> = Generator<void, T, void>;

/** How long a computation may keep signals, timers and sockets waiting, in milliseconds. */
export const TURN_MS = 40;

/** The result of a computation, without a pause. */
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
      await nextTurn();
      turned = performance.now();
    }
  } finally {
    steps.return(undefined as never);
  }
}
