import type { Logger } from "#libs/telemetry";
import type { Executors } from "./executors.ts";

/** Artifacts are younger than the garbage collector's least age for so long that pins may travel in batches. */
const BATCH_MS = 2_000;

/** Keeps what a run has made from garbage collection: pins are sent in batches, and all of them when it is flushed. */
export type Pins = { add(digest: string): void; flush(): Promise<void> };

/** Pins of one run, held in the catalog under its id. */
export function createPins(runId: string, catalog: Executors["catalog"], log: Logger): Pins {
  const pending = new Set<string>();
  let timer: NodeJS.Timeout | undefined;
  const send = async () => {
    clearTimeout(timer);
    timer = undefined;
    const digests = [...pending];
    pending.clear();
    if (digests.length > 0) await catalog.pin({ holder: `run/${runId}`, digests });
  };
  return {
    add(digest) {
      pending.add(digest);
      timer ??= setTimeout(() => {
        send().catch((error: unknown) => log.warn({ runId, error }, "pins were not set"));
      }, BATCH_MS);
      timer.unref();
    },
    flush: send,
  };
}
