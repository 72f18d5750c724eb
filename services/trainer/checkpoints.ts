import { Code, isRpcError } from "#libs/rpc";
import type { AttemptId } from "./attempt-id.ts";
import { checkpointPauseMs } from "./checkpoint-pace.ts";
import type { AttemptDependencies } from "./dependencies.ts";
import { LostAttempt } from "./failure.ts";
import type { Step } from "./watch.ts";

type Dependencies = Pick<AttemptDependencies, "uploads" | "finetune" | "log" | "checkpointMs">;

/**
 * Saves checkpoints while the training goes on, one at a time, and no more often than they take 2 % of its time. One that cannot be saved
 * costs time after a crash, nothing else; a stale attempt is stopped.
 */
export function createCheckpointer(
  { uploads, finetune, log, checkpointMs }: Dependencies,
  attempt: AttemptId,
  controller: AbortController,
) {
  let dueAt = Number.POSITIVE_INFINITY;
  let saving: Promise<void> | undefined;
  let beganAt: number | undefined;
  let spentMs = 0;
  let onLast: (() => void) | undefined;
  const { signal } = controller;

  const pauseAfter = (costMs: number): number => {
    spentMs += costMs;
    const now = performance.now();
    return now + checkpointPauseMs({ everyMs: checkpointMs, costMs, spentMs, trainedMs: now - (beganAt ?? now) });
  };

  /** Copies the state now, and saves it behind what is being saved, if anything. */
  function start(step: Step): void {
    const began = performance.now();
    const state = step.checkpoint();
    const copyMs = performance.now() - began;
    dueAt = Number.POSITIVE_INFINITY;
    const save = async (): Promise<void> => {
      const { digest, busyMs } = await uploads.save(state, signal);
      dueAt = pauseAfter(copyMs + busyMs);
      await finetune.saveCheckpoint({ ...attempt, checkpoint: digest, step: state.step, format: state.format }, { signal });
    };
    const own = Promise.resolve(saving)
      .then(save)
      .catch((error: unknown) => {
        // Otherwise it is at the catalog, and only its record is missing.
        if (dueAt === Number.POSITIVE_INFINITY) dueAt = pauseAfter(copyMs);
        if (isRpcError(error, Code.ABORTED)) controller.abort(new LostAttempt(error.message));
        else if (!signal.aborted) log.warn({ job: attempt.jobId, err: error }, "checkpoint not saved");
      })
      .finally(() => {
        if (saving === own) saving = undefined;
      });
    saving = own;
  }

  return {
    onStep(step: Step): void {
      // Reading images and drawing weights is no training: nothing of it is lost with a trainer that dies.
      if (beganAt === undefined) {
        beganAt = performance.now();
        dueAt = beganAt + checkpointMs;
      }
      if (onLast) {
        start(step);
        onLast();
        onLast = undefined;
      } else if (!saving && performance.now() >= dueAt) start(step);
    },
    /** Saves the state after the step that is being done, and calls `then` once that is copied; at once where no step was done yet. */
    last(then: () => void): void {
      if (beganAt !== undefined) onLast = then;
      else then();
    },
    /** Resolves when nothing is being saved. */
    async settled(): Promise<void> {
      await saving;
    },
  };
}
