import { clearTimeout, setTimeout } from "node:timers";
import { Code, isRpcError } from "#libs/rpc";
import type { Logger } from "#libs/telemetry";
import type { Executors } from "../drive/executors.ts";

/** What was just made is younger than the garbage collector's least age, so that its pins may travel in batches. */
const BATCH_MS = 2_000;

/** Keeps what a run has made from garbage collection. */
export type Pins = Disposable & {
  /** Resolves when an artifact that was there before is pinned. @throws RpcError NOT_FOUND if it is gone. */
  keep(digest: string): Promise<void>;
  /** Pins an artifact that was just made, soon, and again until it works. */
  add(digest: string): void;
  /** Pins everything that waits. @throws RpcError if that fails; what was not pinned waits on. */
  flush(): Promise<void>;
};

/** The holder of a run's pins in the catalog. */
export function holderOf(runId: string): string {
  return `run/${runId}`;
}

/** Pins of one run, held in the catalog under its id for as long as there is such a run. */
export function createPins(runId: string, catalog: Pick<Executors["catalog"], "pin">, log: Logger): Pins {
  const holder = holderOf(runId);
  const pinned = new Set<string>();
  const made = new Set<string>();
  let asked = new Map<string, PromiseWithResolvers<void>>();
  let timer: NodeJS.Timeout | undefined;

  const pin = async (digests: readonly string[], keepers: ReadonlyMap<string, PromiseWithResolvers<void>>): Promise<void> => {
    if (digests.length === 0) return;
    try {
      await catalog.pin({ holder, digests: [...digests] });
    } catch (error) {
      // One that is gone must not keep the others from being pinned.
      if (digests.length > 1 && isRpcError(error, Code.NOT_FOUND)) {
        const each = await Promise.allSettled(digests.map((digest) => pin([digest], keepers)));
        const failed = each.find(({ status }) => status === "rejected");
        if (failed?.status === "rejected") throw failed.reason;
        return;
      }
      for (const digest of digests) keepers.get(digest)?.reject(error);
      throw error;
    }
    for (const digest of digests) {
      pinned.add(digest);
      made.delete(digest);
      keepers.get(digest)?.resolve();
    }
  };

  const send = async () => {
    clearTimeout(timer);
    timer = undefined;
    const keepers = asked;
    asked = new Map();
    await pin([...new Set([...keepers.keys(), ...made])], keepers);
  };

  const sendLater = () => {
    timer ??= setTimeout(sendNow, BATCH_MS);
    timer.unref();
  };
  const sendNow = () => {
    send().catch((error: unknown) => {
      log.warn({ runId, err: error }, "pins were not set; it is tried again");
      if (made.size > 0) sendLater();
    });
  };

  return {
    keep(digest) {
      if (pinned.has(digest)) return Promise.resolve();
      // What is asked for in one turn of the event loop travels together.
      if (asked.size === 0) setImmediate(sendNow);
      const keeper = asked.get(digest) ?? Promise.withResolvers<void>();
      asked.set(digest, keeper);
      return keeper.promise;
    },
    add(digest) {
      if (pinned.has(digest)) return;
      made.add(digest);
      sendLater();
    },
    flush: send,
    [Symbol.dispose]() {
      clearTimeout(timer);
    },
  };
}
