import type { TrainStep } from "#libs/learning";
import type { Recipe } from "#libs/recipes";
import { Code, isRpcError, type ServiceClient } from "#libs/rpc";
import type { FinetuneService } from "#proto/ratatouille/v1/finetune_pb.ts";
import { LostAttempt } from "./failure.ts";

/** What the progress stream says of a training; the fields of TrainProgress. */
export type Progress = {
  readonly step: number;
  readonly steps: number;
  readonly stepsPerSecond: number;
  readonly loss: number;
  readonly validationAccuracy?: number;
};

/** At most two reports a second. */
const REPORT_MS = 500;

/**
 * Turns steps into reports: one at once, then the newest state every 500 ms in which there was a step, and after `keepAliveMs` without
 * news the same again.
 */
export function createProgress(keepAliveMs: number) {
  let latest: Progress = { step: 0, steps: 1, stepsPerSecond: 0, loss: 0 };
  let sum = 0;
  let count = 0;
  let reportedAt = performance.now();
  let news = Promise.withResolvers<boolean>();
  let ended = false;

  return {
    /** Says how long the job is. */
    begin({ parameters }: Recipe): void {
      const steps = parameters["steps"];
      if (typeof steps === "number") latest = { ...latest, steps };
      reportedAt = performance.now();
    },
    /** Says that the training goes on after a step of an earlier attempt. */
    resume(step: number): void {
      latest = { ...latest, step };
      news.resolve(true);
    },
    /** Takes note of a step. */
    onStep({ step, loss, bestAccuracy }: TrainStep): void {
      sum += loss;
      count += 1;
      const now = performance.now();
      if (now - reportedAt < REPORT_MS) return;
      latest = {
        step,
        steps: latest.steps,
        stepsPerSecond: (1000 * count) / (now - reportedAt),
        loss: sum / count,
        ...(bestAccuracy === undefined ? {} : { validationAccuracy: bestAccuracy }),
      };
      [sum, count, reportedAt] = [0, 0, now];
      news.resolve(true);
    },
    /** Ends the reports. */
    end(): void {
      ended = true;
      news.resolve(true);
    },
    /** The reports, each asked for when the one before is on its way. */
    async *reports(): AsyncGenerator<Progress, void, undefined> {
      while (!ended) {
        yield latest;
        const timer = setTimeout(() => news.resolve(false), keepAliveMs);
        await news.promise;
        clearTimeout(timer);
        news = Promise.withResolvers();
      }
    },
  };
}

/**
 * Sends reports until they end. The service ends the stream of an attempt that it does not want any more, and a stream that breaks ends the
 * lease: both stop the attempt.
 */
export function sendReports(
  finetune: ServiceClient<typeof FinetuneService>,
  attempt: { readonly jobId: string; readonly attempt: number },
  reports: AsyncIterable<Progress>,
  controller: AbortController,
): void {
  async function* requests() {
    for await (const progress of reports) yield { ...attempt, progress };
  }
  finetune.reportProgress(requests(), { timeoutMs: 0, signal: controller.signal }).catch((error: unknown) => {
    const lost = isRpcError(error, Code.ABORTED) || isRpcError(error, Code.CANCELLED, "JOB_CANCELLED");
    controller.abort(lost ? new LostAttempt((error as Error).message) : error);
  });
}
