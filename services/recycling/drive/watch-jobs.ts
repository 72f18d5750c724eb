import { clearTimeout, setTimeout } from "node:timers";
import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "#libs/telemetry";
import type { Job } from "#proto/ratatouille/v1/finetune_pb.ts";
import type { Executors } from "./executors.ts";

const REWATCH_MS = 500;

/**
 * Jobs of a run whenever they change, until the signal aborts. A watch that ends in any other way starts again. The stream begins with the
 * current state of all jobs, so a new one closes every gap; one is opened `sweepMs` after that, so that nothing that got lost is lost for long.
 */
export async function* watchJobs(
  runId: string,
  { finetune, log, signal, sweepMs }: Pick<Executors, "finetune"> & { log: Logger; signal: AbortSignal; sweepMs: number },
): AsyncGenerator<readonly Job[], void, undefined> {
  while (!signal.aborted) {
    using round = untilAborted(signal, sweepMs);
    try {
      for await (const { jobs, current } of finetune.watchJobs({ runId }, { signal: round.signal, timeoutMs: 0 })) {
        // However long the current state takes to tell, all of it is told.
        if (current) round.start();
        yield jobs;
      }
    } catch (error) {
      if (!round.signal.aborted) log.warn({ runId, err: error }, "the watch of the jobs broke; it starts again");
    }
    if (!round.signal.aborted) await sleep(REWATCH_MS, undefined, { signal }).catch(() => undefined);
  }
}

/** A signal that aborts with another one, or some time after its start. */
function untilAborted(outer: AbortSignal, afterMs: number): Disposable & { readonly signal: AbortSignal; start(): void } {
  const controller = new AbortController();
  const abort = () => controller.abort(outer.reason);
  let timer: NodeJS.Timeout | undefined;
  outer.addEventListener("abort", abort, { once: true });
  return {
    signal: controller.signal,
    start() {
      timer ??= setTimeout(abort, afterMs);
    },
    [Symbol.dispose]() {
      clearTimeout(timer);
      outer.removeEventListener("abort", abort);
    },
  };
}
