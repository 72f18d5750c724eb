import { type Checkpoint, decodeCheckpoint, encodeCheckpoint, type TrainStep } from "#libs/learning";
import { mediaTypes } from "#libs/recipes";
import { Code, isRpcError } from "#libs/rpc";
import type { AttemptId } from "./attempt-id.ts";
import type { AttemptDependencies } from "./dependencies.ts";
import { LostAttempt } from "./failure.ts";

type Dependencies = Pick<AttemptDependencies, "artifacts" | "finetune" | "log" | "checkpointMs">;

/**
 * Saves checkpoints while the training goes on, one at a time. One that cannot be saved costs time after a crash, nothing else;
 * a stale attempt is stopped.
 */
export function createCheckpointer(
  { artifacts, finetune, log, checkpointMs }: Dependencies,
  attempt: AttemptId,
  controller: AbortController,
) {
  let savedAt = performance.now();
  let saving: Promise<void> | undefined;
  let stepped = false;
  let onLast: (() => void) | undefined;
  const { signal } = controller;

  async function save(checkpoint: Checkpoint): Promise<void> {
    const blob = await artifacts.upload(encodeCheckpoint(checkpoint), { mediaType: mediaTypes.sourceLayer, signal });
    await finetune.saveCheckpoint({ ...attempt, checkpoint: blob.digest, step: checkpoint.step }, { signal });
  }

  /** Behind what is being saved, if anything. */
  function start(checkpoint: Checkpoint): void {
    const own = Promise.resolve(saving)
      .then(() => save(checkpoint))
      .catch((error: unknown) => {
        if (isRpcError(error, Code.ABORTED)) controller.abort(new LostAttempt(error.message));
        else if (!signal.aborted) log.warn({ job: attempt.jobId, err: error }, "checkpoint not saved");
      })
      .finally(() => {
        if (saving === own) saving = undefined;
      });
    saving = own;
  }

  return {
    onStep(step: TrainStep): void {
      stepped = true;
      if (onLast) {
        start(step.checkpoint());
        onLast();
        onLast = undefined;
        return;
      }
      const now = performance.now();
      if (saving || now - savedAt < checkpointMs) return;
      savedAt = now;
      start(step.checkpoint());
    },
    /** Saves the state after the step that is being done, and calls `then` once that is copied; at once where no step was done yet. */
    last(then: () => void): void {
      if (stepped) onLast = then;
      else then();
    },
    /** Resolves when nothing is being saved. */
    async settled(): Promise<void> {
      await saving;
    },
  };
}

/** The checkpoint of an earlier attempt; undefined where there is none or it cannot be used, which only costs the time to do it again. */
export async function loadCheckpoint(
  { artifacts, log }: Dependencies,
  digest: string,
  signal: AbortSignal,
): Promise<Checkpoint | undefined> {
  if (digest === "") return undefined;
  try {
    return decodeCheckpoint(await artifacts.download(digest, { signal }));
  } catch (error) {
    signal.throwIfAborted();
    log.warn({ checkpoint: digest, err: error }, "checkpoint not usable; the training starts over");
    return undefined;
  }
}
