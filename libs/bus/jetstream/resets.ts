import type { Found } from "./declared.ts";
import type { BusLog } from "./link.ts";

/** Finds out what the broker cannot have any more, and tells of it. */
export type Resets = {
  found(now: Found): void;
  listen(listener: (beforeMs: number) => void): Disposable;
};

/** Makes it for one bus, which knows of no streams yet. */
export function createResets(log?: BusLog): Resets {
  const known = new Map<string, string>();
  const listeners = new Set<(beforeMs: number) => void>();
  let lostBeforeMs: number | undefined;
  const tell = (beforeMs: number) => {
    lostBeforeMs = beforeMs;
    for (const listener of [...listeners]) listener(beforeMs);
  };
  return {
    found({ created, made }) {
      const first = known.size === 0;
      const anew: string[] = [];
      for (const [name, at] of created) {
        if (known.has(name) ? known.get(name) !== at : made.includes(name)) anew.push(name);
        known.set(name, at);
      }
      if (anew.length > 0) {
        log?.warn({ streams: anew }, "the bus was found without what it had");
        tell(Number.POSITIVE_INFINITY);
      } else if (first) {
        // Another program may have found them missing, and made them, while this one was away.
        tell(Math.max(...[...created.values()].map((at) => Date.parse(at))));
      }
    },
    listen(listener) {
      const own = (beforeMs: number) => listener(beforeMs);
      listeners.add(own);
      queueMicrotask(() => {
        if (lostBeforeMs !== undefined && listeners.has(own)) own(lostBeforeMs);
      });
      return { [Symbol.dispose]: () => void listeners.delete(own) };
    },
  };
}
