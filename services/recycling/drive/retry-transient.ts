import { setTimeout as sleep } from "node:timers/promises";
import { Code, isRpcError } from "#libs/rpc";

const FIRST_PAUSE_MS = 250;
const LAST_PAUSE_MS = 5_000;

/** Errors that say nothing of what was asked for: the same call may succeed later. */
const transientCodes: readonly Code[] = [Code.UNAVAILABLE, Code.DEADLINE_EXCEEDED, Code.ABORTED];
/** What may be there again later. Every other exhaustion, such as an answer that is too large for a message, stays what it is. */
const transientReasons: readonly string[] = ["NO_SPACE", "SCRATCH_FULL"];

/** Whether the same call may succeed later. */
function isTransient(error: unknown): boolean {
  if (!isRpcError(error)) return false;
  return transientCodes.includes(error.code) || (error.code === Code.RESOURCE_EXHAUSTED && transientReasons.includes(error.reason));
}

/**
 * Calls again, with growing pauses, as long as it fails for a transient reason.
 * @param options.patienceMs how long after the first failure.
 * @throws what the last call threw; the signal's reason.
 */
export async function retryTransient<T>(
  call: () => Promise<T>,
  { patienceMs, signal }: { readonly patienceMs: number; readonly signal?: AbortSignal },
): Promise<T> {
  let giveUpAt: number | undefined;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LAST_PAUSE_MS)) {
    signal?.throwIfAborted();
    try {
      return await call();
    } catch (error) {
      giveUpAt ??= performance.now() + patienceMs;
      if (!isTransient(error) || performance.now() + pauseMs > giveUpAt) throw error;
    }
    await sleep(pauseMs, undefined, signal ? { signal } : {});
  }
}
