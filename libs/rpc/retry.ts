import type { DescMethod } from "@bufbuild/protobuf";
import { MethodOptions_IdempotencyLevel as Idempotency } from "@bufbuild/protobuf/wkt";
import { pause } from "#libs/concurrency";
import { Code } from "./code.ts";
import { isRpcError } from "./errors.ts";

/** So long a call is tried again: a service that was killed is back within three seconds. */
const PATIENCE_MS = 10_000;
const FIRST_DELAY_MS = 100;
const MAX_DELAY_MS = 1000;

/** True if the method may be sent again: its proto says so, and its request is one message that we still have. */
export function isRetryable(method: DescMethod): boolean {
  const idempotent = method.idempotency === Idempotency.NO_SIDE_EFFECTS || method.idempotency === Idempotency.IDEMPOTENT;
  return idempotent && (method.methodKind === "unary" || method.methodKind === "server_streaming");
}

/** The pause before attempt `n` (the first retry is 1): doubling, 1 s at most, with jitter from half to whole. `random` is in [0, 1). */
export function retryDelayMs(n: number, random: number): number {
  return Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** (n - 1)) * (0.5 + random / 2);
}

/**
 * Runs attempts until one yields or ends, again after UNAVAILABLE while nothing has been yielded, for ten seconds from the first failure
 * where the deadline (milliseconds since 1970) leaves time for the pause.
 */
export async function* withRetries<T>(
  attempt: () => AsyncIterable<T>,
  { deadline, signal }: { deadline: number; signal: AbortSignal },
): AsyncGenerator<T, void, undefined> {
  let giveUpAt = deadline;
  for (let n = 1; ; n++) {
    let yielded = false;
    try {
      for await (const item of attempt()) {
        yielded = true;
        yield item;
      }
      return;
    } catch (error) {
      if (n === 1) giveUpAt = Math.min(deadline, Date.now() + PATIENCE_MS);
      const delayMs = retryDelayMs(n, Math.random());
      const again = !yielded && isRpcError(error, Code.UNAVAILABLE) && !signal.aborted && Date.now() + delayMs < giveUpAt;
      if (!again) throw error;
      // An abort during the pause ends it; the next attempt then fails with the abort's reason before it sends anything.
      await pause(delayMs, signal);
    }
  }
}
