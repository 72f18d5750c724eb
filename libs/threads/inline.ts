import { setImmediate as nextTurn } from "node:timers/promises";
import { setUp } from "./set-up.ts";
import type { Threads, ThreadsOptions } from "./types.ts";

/** Runs units on the thread of the caller, one at a time, with turns of the event loop between them. */
export function openInline<U, R>({ module, setup }: ThreadsOptions): Threads<U, R> {
  let isCancelled = false;
  const runner = setUp<U, R>(module.href, setup, { cancelled: () => isCancelled });
  let last: Promise<unknown> = Promise.resolve();
  return {
    depth: 1,
    run(unit) {
      const result = last.then(async () => {
        await nextTurn();
        return (await runner()).run(unit);
      });
      last = result.catch(() => undefined);
      return result;
    },
    cancel() {
      isCancelled = true;
    },
    async [Symbol.asyncDispose]() {
      isCancelled = true;
      await last;
      await runner().then(
        (opened) => opened.close(),
        () => undefined,
      );
    },
  };
}
