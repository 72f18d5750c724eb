import { after, createPulse } from "#libs/concurrency";
import type { BeginAttemptResponse } from "#proto/ratatouille/v1/finetune_pb.ts";
import type { Jobs } from "./jobs.ts";

/** Another trainer's attempt at a job, which does nothing but hold it. */
export type Rival = AsyncDisposable & {
  /** What the service handed over. */
  readonly begun: BeginAttemptResponse;
  /** Why the attempt lost the job; undefined while it has it. */
  lost(): unknown;
};

const REPORT_MS = 500;

/** Begins an attempt at a job that nobody has, and reports until it is disposed of: then it gives the job back. */
export async function holdJob({ finetune }: Pick<Jobs, "finetune">, jobId: string): Promise<Rival> {
  const begun = await finetune.beginAttempt({ jobId, trainer: "conformance-rival" });
  const attempt = { jobId, attempt: begun.attempt };
  const stop = new AbortController();
  const pulse = createPulse();
  let lost: unknown;
  async function* reports() {
    while (!stop.signal.aborted) {
      const seen = pulse.version;
      yield { ...attempt, progress: { step: begun.checkpointStep, steps: 0 } };
      using _ = after(REPORT_MS, pulse.beat);
      await pulse.changed(seen);
    }
  }
  const reporting = finetune.reportProgress(reports(), { timeoutMs: 0 }).then(
    () => undefined,
    (error: unknown) => {
      lost = error;
    },
  );
  return {
    begun,
    lost: () => lost,
    async [Symbol.asyncDispose]() {
      if (lost === undefined) await finetune.releaseAttempt(attempt);
      stop.abort();
      pulse.beat();
      await reporting;
    },
  };
}
