import { after, createPulse } from "#libs/concurrency";
import type { Recipe } from "#libs/recipes";
import { trainingSpeed, trainingSteps } from "./metrics.ts";
import type { Step } from "./watch.ts";

/** What the progress stream says of a training; the fields of TrainProgress. */
export type Progress = {
  readonly step: number;
  readonly steps: number;
  readonly stepsPerSecond: number;
  readonly loss: number;
  readonly validationAccuracy?: number;
  readonly validating?: number;
  readonly unit?: "rows";
};

/** At most two reports a second. */
const REPORT_MS = 500;

/**
 * Turns steps into reports: one at once, then the newest state every 500 ms in which there was a step, and after `keepAliveMs` without
 * news the same again.
 */
export function createProgress(keepAliveMs: number) {
  let latest: Progress = { step: 0, steps: 0, stepsPerSecond: 0, loss: 0 };
  let sum = 0;
  let count = 0;
  let reportedAt = performance.now();
  let lookedAt = 0;
  let first: { readonly step: number; readonly at: number } | undefined;
  let last: typeof first;
  const news = createPulse();
  let ended = false;

  return {
    /** Says how long the job is. */
    begin({ kind, parameters }: Recipe): void {
      // How many rows a prediction has is known when it has read its data set.
      if (kind === "predict") latest = { ...latest, unit: "rows" };
      const { steps, headOnlySteps } = parameters;
      if (typeof steps === "number") latest = { ...latest, steps: steps + (typeof headOnlySteps === "number" ? headOnlySteps : 0) };
      reportedAt = performance.now();
    },
    /** Says that the training goes on after a step of an earlier attempt. */
    resume(step: number): void {
      latest = { ...latest, step };
      news.beat();
    },
    /** Takes note of a step. */
    onStep({ step, loss, bestAccuracy }: Step): void {
      sum += loss;
      count += 1;
      const now = performance.now();
      trainingSteps.add(1);
      last = { step, at: now };
      first ??= last;
      if (now - reportedAt < REPORT_MS && latest.validating === undefined) return;
      latest = {
        step,
        steps: latest.steps,
        stepsPerSecond: (1000 * count) / (now - reportedAt),
        loss: sum / count,
        ...(bestAccuracy === undefined ? {} : { validationAccuracy: bestAccuracy }),
      };
      [sum, count, reportedAt] = [0, 0, now];
      news.beat();
    },
    /** Takes note of how far a prediction is. */
    onRows(done: number, rows: number): void {
      const now = performance.now();
      if (now - reportedAt < REPORT_MS && done < rows) return;
      latest = { ...latest, step: done, steps: rows, stepsPerSecond: (1000 * (done - latest.step)) / (now - reportedAt) };
      reportedAt = now;
      news.beat();
    },
    /** Takes note of how far a validation is. */
    onValidating(share: number): void {
      const now = performance.now();
      if (now - Math.max(reportedAt, lookedAt) < REPORT_MS) return;
      lookedAt = now;
      latest = { ...latest, ...(last ? { step: last.step } : {}), validating: share };
      news.beat();
    },
    /** Ends the reports. */
    end(): void {
      if (first && last && last.at > first.at) trainingSpeed.record((1000 * (last.step - first.step)) / (last.at - first.at));
      first = undefined;
      ended = true;
      news.beat();
    },
    /** The reports, each asked for when the one before is on its way; where they are asked for anew they begin with the newest. */
    async *reports(): AsyncGenerator<Progress, void, undefined> {
      while (!ended) {
        const seen = news.version;
        yield latest;
        using _ = after(keepAliveMs, news.beat);
        await news.changed(seen);
      }
    },
    get ended() {
      return ended;
    },
  };
}
