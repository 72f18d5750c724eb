import type { Pulse } from "./pulse.ts";
import { after } from "./timers.ts";

/** Resolves when a pulse has changed, after `ms`, or when the signal aborts. Leaves nothing behind. */
export async function changedWithin(pulse: Pulse, seen: number, ms: number, signal: AbortSignal): Promise<void> {
  const over = new AbortController();
  const stop = () => over.abort();
  using _ = after(ms, stop);
  signal.addEventListener("abort", stop);
  if (signal.aborted) stop();
  try {
    await pulse.changed(seen, over.signal);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}
