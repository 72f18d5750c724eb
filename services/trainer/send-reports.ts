import { setTimeout as sleep } from "node:timers/promises";
import { pause } from "#libs/concurrency";
import { Code, isRpcError } from "#libs/rpc";
import type { AttemptId } from "./attempt-id.ts";
import type { AttemptDependencies } from "./dependencies.ts";
import { LostAttempt } from "./failure.ts";
import type { createProgress, Progress } from "./progress.ts";

/** A job that is done sooner has no stream, such as the drawing of a small data set. A trainer that dies sooner is missed when its lease ends. */
const OPEN_AFTER_MS = 50;
/** A stream that breaks is opened again after this time, doubled each time and with jitter: soon enough to keep the attempt. */
const FIRST_RETRY_MS = 50;
const LAST_RETRY_MS = 1000;

/**
 * Opens a progress stream soon, keeps it open until the reports end, and opens it again when it breaks. The service ends the stream of an attempt that it
 * does not want any more, which aborts `controller` with a LostAttempt. Nothing else does: an attempt that cannot report goes on.
 */
export async function sendReports(
  { finetune, log }: Pick<AttemptDependencies, "finetune" | "log">,
  attempt: AttemptId,
  progress: ReturnType<typeof createProgress>,
  controller: AbortController,
): Promise<void> {
  const { signal } = controller;
  let retryMs = FIRST_RETRY_MS;
  async function* requests(reports: AsyncIterable<Progress>) {
    let first = true;
    for await (const report of reports) {
      // A second report is asked for only where the first one arrived.
      if (!first) retryMs = FIRST_RETRY_MS;
      first = false;
      yield { ...attempt, progress: report };
    }
  }
  await pause(OPEN_AFTER_MS, signal, { ref: false });
  while (!progress.ended && !signal.aborted) {
    try {
      await finetune.reportProgress(requests(progress.reports()), { timeoutMs: 0, signal });
    } catch (error) {
      if (signal.aborted) return;
      if (hasNoJob(error)) return controller.abort(new LostAttempt((error as Error).message));
      log.info({ job: attempt.jobId, err: error, retryMs }, "the progress stream broke; it is opened again");
    }
    // biome-ignore lint/plugin: jitter between trainers enters no result
    const jitter = 0.5 + Math.random() / 2;
    await sleep(retryMs * jitter, undefined, { signal, ref: false }).catch(() => undefined);
    retryMs = Math.min(2 * retryMs, LAST_RETRY_MS);
  }
}

/** The service says that the attempt does not have its job any more, or does not know the job. */
function hasNoJob(error: unknown): boolean {
  return isRpcError(error, Code.ABORTED) || isRpcError(error, Code.CANCELLED, "JOB_CANCELLED") || isRpcError(error, Code.NOT_FOUND);
}
