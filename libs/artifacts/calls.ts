/** A stream of weights may take long; one that stands still may not. */
const IDLE_TIMEOUT_MS = 60_000;

export const calling = (signal: AbortSignal | undefined) => (signal ? { signal } : {});

/** For calls that move weights. */
export const streaming = (signal: AbortSignal | undefined) => ({ ...calling(signal), timeoutMs: 0, idleTimeoutMs: IDLE_TIMEOUT_MS });
