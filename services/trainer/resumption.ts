import type { BeginAttemptResponse } from "#proto/ratatouille/v1/finetune_pb.ts";
import type { AttemptId } from "./attempt-id.ts";
import type { AttemptDependencies } from "./dependencies.ts";
import { failureSentence, isPassing } from "./failure.ts";
import type { Saved, Step } from "./watch.ts";

type Dependencies = Pick<AttemptDependencies, "artifacts" | "finetune" | "log">;
type Given = Pick<BeginAttemptResponse, "checkpoint" | "checkpointStep" | "checkpointFormat" | "earlierCheckpoint">;

/**
 * What an attempt goes on from. Where that is not the checkpoint that it was given, the log says so, and the service is told once the first
 * step shows where the training began: it never starts over in silence.
 */
export function createResumption({ artifacts, finetune, log }: Dependencies, attempt: AttemptId, given: Given) {
  const job = attempt.jobId;
  const reasons: string[] = [];
  let began = false;
  let told: Promise<void> | undefined;

  function isUnusable(err: unknown, message: string): void {
    log.warn({ job, step: given.checkpointStep, err }, message);
    reasons.push(failureSentence(err));
  }

  async function tell(fromStep: number): Promise<void> {
    const reason = reasons.join("; ") || "the training took no notice of it";
    log.warn({ job, checkpointStep: given.checkpointStep, fromStep, reason }, "the training does not go on at its newest checkpoint");
    await finetune.skipCheckpoint({ ...attempt, fromStep, reason }).catch((err: unknown) => {
      log.warn({ job, err }, "the service could not be told that a checkpoint was not used");
    });
  }

  return {
    /**
     * The newest checkpoint that the catalog still has whole; undefined where there is none, which only costs the time to do it again.
     * @throws RpcError where the catalog cannot be reached: the job is not at fault, and what was saved is not lost; the signal's reason
     */
    async load(signal: AbortSignal): Promise<Saved | undefined> {
      for (const digest of [given.checkpoint, given.earlierCheckpoint].filter((one) => one !== "")) {
        try {
          return { format: given.checkpointFormat, bytes: await artifacts.download(digest, { signal }) };
        } catch (error) {
          signal.throwIfAborted();
          if (isPassing(error)) throw error;
          isUnusable(error, "a checkpoint cannot be read");
        }
      }
      return undefined;
    },
    /** What was loaded cannot be used: the training starts over. */
    onUnusable: (error: unknown): void => isUnusable(error, "a checkpoint cannot be used; the training starts over"),
    onStep({ step }: Pick<Step, "step">): void {
      if (began || given.checkpoint === "") return;
      began = true;
      const fromStep = step - 1;
      if (fromStep === given.checkpointStep) log.info({ job, step: fromStep }, "the training goes on at a checkpoint");
      else told = tell(fromStep);
    },
    /** Resolves when nothing is being told. */
    async settled(): Promise<void> {
      await told;
    },
  };
}
