import { abortable, changedWithin, createPulse } from "#libs/concurrency";
import type { RpcError } from "#libs/rpc";
import { exhausted, refuse } from "./errors.ts";
import type { SessionLimits } from "./limits.ts";

/** A call that has a contribution for itself. Disposing of it lets the next one in. */
export type Claim = Disposable & {
  /** Aborts when the call stands still for too long, when another one takes over, or when the session ends. */
  readonly signal: AbortSignal;
  /** Ends the call with a reason. */
  fail(reason: unknown): void;
  /** Waits for what the sender owes; only this time counts as standing still. */
  awaiting<T>(work: Promise<T>): Promise<T>;
};

/** Who sends bytes at this moment. */
export type Claims = Disposable & {
  /**
   * Has a contribution alone, as soon as the call before has ended or stands still: then that one is aborted (TAKEN_OVER).
   * @throws RpcError STREAM_QUOTA, or the reason of the signal
   */
  claim(session: string, contributor: string, signal: AbortSignal): Promise<Claim>;
  /** Whether somebody sends this contribution. */
  has(session: string, contributor: string): boolean;
  /** Ends all calls of a session with a reason, and resolves when they have ended. */
  endSession(session: string, reason: RpcError): Promise<void>;
  readonly count: number;
};

type Holder = { readonly session: string; readonly abort: AbortController; since: number | undefined };

/** One call for each contribution at a time, and as many in all as the limit says. */
export function createClaims({ streams, stallMs, takeOverMs }: SessionLimits): Claims {
  const holders = new Map<string, Holder>();
  const left = createPulse();
  let calls = 0;
  // One look at all of them, whatever their number.
  const timer = setInterval(
    () => {
      const now = performance.now();
      for (const { abort, since } of holders.values()) {
        if (since !== undefined && now - since > stallMs) {
          abort.abort(refuse("STALLED", `nothing came for ${stallMs} ms; what has arrived is kept, the same call goes on there`));
        }
      }
    },
    Math.max(5, Math.min(1000, stallMs / 4)),
  );
  timer.unref();

  /** Puts a new holder in its place, when that is free. */
  async function enter(key: string, mine: Holder, signal: AbortSignal): Promise<void> {
    for (;;) {
      signal.throwIfAborted();
      const holder = holders.get(key);
      if (!holder) {
        holders.set(key, mine);
        return;
      }
      const still = holder.since === undefined ? 0 : performance.now() - holder.since;
      if (still >= takeOverMs) {
        holder.abort.abort(refuse("TAKEN_OVER", "another call goes on with this contribution, as this one stood still"));
      }
      const seen = left.version;
      if (holders.get(key) === holder) await changedWithin(left, seen, Math.max(5, takeOverMs - still), signal);
    }
  }

  return {
    async claim(session, contributor, signal) {
      if (calls >= streams) {
        throw exhausted(
          "STREAM_QUOTA",
          "streams",
          streams,
          `${streams} contributions arrive at this moment, which is the limit of this server`,
        );
      }
      calls += 1;
      const key = keyOf(session, contributor);
      const holder: Holder = { session, abort: new AbortController(), since: undefined };
      try {
        await enter(key, holder, signal);
      } catch (error) {
        calls -= 1;
        throw error;
      }
      const onAbort = () => holder.abort.abort(signal.reason);
      signal.addEventListener("abort", onAbort);
      if (signal.aborted) onAbort();
      return {
        signal: holder.abort.signal,
        fail: (reason) => holder.abort.abort(reason),
        async awaiting(work) {
          holder.since = performance.now();
          try {
            return await abortable(work, holder.abort.signal);
          } finally {
            holder.since = undefined;
          }
        },
        [Symbol.dispose]() {
          signal.removeEventListener("abort", onAbort);
          if (holders.get(key) !== holder) return;
          holders.delete(key);
          calls -= 1;
          left.beat();
        },
      };
    },
    has: (session, contributor) => holders.has(keyOf(session, contributor)),
    async endSession(session, reason) {
      for (;;) {
        const seen = left.version;
        const own = [...holders.values()].filter((holder) => holder.session === session);
        if (own.length === 0) return;
        for (const { abort } of own) abort.abort(reason);
        await left.changed(seen);
      }
    },
    get count() {
      return calls;
    },
    [Symbol.dispose]: () => clearInterval(timer),
  };
}

function keyOf(session: string, contributor: string): string {
  return `${session}/${contributor}`;
}
