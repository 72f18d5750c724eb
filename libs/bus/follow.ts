import type { WatchedMessage } from "./types.ts";

/** How far a watcher has come: to go on after a break without missing or repeating anything. */
export type WatchPosition = {
  /** Milliseconds since 1970: go on from there. Undefined: from now on. */
  readonly sinceMs: number | undefined;
  /** Says that from this time on nothing was missed. */
  begin(atMs: number): void;
  /** Takes note of a message; false if it was seen before. */
  pass(message: WatchedMessage): boolean;
};

/** How many ids of the last messages are remembered. Several may have been stored in the same millisecond. */
const REMEMBERED = 1000;

export function createWatchPosition(sinceMs?: number): WatchPosition {
  let since = sinceMs;
  const seen = new Set<string>();
  return {
    get sinceMs() {
      return since;
    },
    begin(atMs) {
      since ??= atMs;
    },
    pass({ id, atMs }) {
      if (seen.has(id)) return false;
      seen.add(id);
      if (seen.size > REMEMBERED) seen.delete(seen.values().next().value ?? "");
      since = Math.max(since ?? 0, atMs);
      return true;
    },
  };
}
