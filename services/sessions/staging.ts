import { changedWithin, createPulse } from "#libs/concurrency";
import { exhausted } from "./errors.ts";
import type { SessionLimits } from "./limits.ts";

/** The room that staged files take, by path. A file that has begun has the room that it will need. */
export type Staging = {
  /**
   * Takes room for a file. Where there is none, `makeRoom` is called, and it waits for a while.
   * @throws RpcError STAGING_QUOTA, or the reason of the signal
   */
  reserve(path: string, bytes: number, options: { readonly signal: AbortSignal; readonly makeRoom: () => void }): Promise<void>;
  /** Notes a file that is there. */
  hold(path: string, bytes: number): void;
  /** The file is gone. */
  free(path: string): void;
  readonly bytes: number;
};

/** A quota for staged files. */
export function createStaging({ stagingBytes, stallMs }: Pick<SessionLimits, "stagingBytes" | "stallMs">): Staging {
  const held = new Map<string, number>();
  const freed = createPulse();
  let used = 0;
  const take = (path: string, bytes: number) => {
    used += bytes - (held.get(path) ?? 0);
    held.set(path, bytes);
  };
  return {
    async reserve(path, bytes, { signal, makeRoom }) {
      const deadline = performance.now() + stallMs;
      for (;;) {
        signal.throwIfAborted();
        const seen = freed.version;
        if (used - (held.get(path) ?? 0) + bytes <= stagingBytes) break;
        makeRoom();
        const left = deadline - performance.now();
        if (left <= 0) {
          const message = `staged contributions take ${used} bytes, and ${bytes} more were asked for; the limit of this server is ${stagingBytes}`;
          throw exhausted("STAGING_QUOTA", "stagingBytes", stagingBytes, message);
        }
        await changedWithin(freed, seen, Math.min(left, 1000), signal);
      }
      take(path, bytes);
    },
    hold: take,
    free(path) {
      used -= held.get(path) ?? 0;
      if (held.delete(path)) freed.beat();
    },
    get bytes() {
      return used;
    },
  };
}
