import type { Found } from "./declared.ts";
import type { BusLog } from "./link.ts";

/** Finds out that streams are not those that were there before, and tells of it. */
export type Resets = {
  found(now: Found): void;
  listen(listener: () => void): Disposable;
};

/** Makes it for one bus, which knows of no streams yet. */
export function createResets(log?: BusLog): Resets {
  const known = new Map<string, string>();
  const listeners = new Set<() => void>();
  let happened = false;
  return {
    found({ created, made }) {
      const anew: string[] = [];
      for (const [name, at] of created) {
        if (known.has(name) ? known.get(name) !== at : made.includes(name)) anew.push(name);
        known.set(name, at);
      }
      if (anew.length === 0) return;
      log?.warn({ streams: anew }, "the bus was found without what it had");
      happened = true;
      for (const listener of [...listeners]) listener();
    },
    listen(listener) {
      const own = () => listener();
      listeners.add(own);
      if (happened) queueMicrotask(() => listeners.has(own) && own());
      return { [Symbol.dispose]: () => void listeners.delete(own) };
    },
  };
}
