import type { Artifacts } from "#libs/artifacts";
import type { TrainStep } from "#libs/learning";
import { parseRecipe } from "#libs/recipes";
import { Code, isRpcError, type ServiceClient } from "#libs/rpc";
import { cpuTimeMs } from "#libs/service";
import { inSpan, type Logger } from "#libs/telemetry";
import type { BeginAttemptResponse, FinetuneService } from "#proto/ratatouille/v1/finetune_pb.ts";
import { createCheckpointer, loadCheckpoint } from "./checkpoints.ts";
import { failureSentence, isPermanent, LostAttempt } from "./failure.ts";
import type { LoadInput } from "./input.ts";
import { createProgress, sendReports } from "./progress.ts";
import { runRecipe } from "./run-recipe.ts";

/** What attempts need of the rest of the world. */
export type AttemptDependencies = {
  readonly finetune: ServiceClient<typeof FinetuneService>;
  readonly artifacts: Artifacts;
  readonly inputs: (signal: AbortSignal) => LoadInput;
  readonly log: Logger;
  /** Time of training between checkpoints. */
  readonly checkpointMs: number;
};

/**
 * Runs an attempt that has begun, to its end: the artifact is published and the job complete, or the failure is reported, or another
 * attempt has the job, or nobody needs it any more.
 * @throws the signal's reason; RpcError if the server cannot be told.
 */
export async function runAttempt(begun: BeginAttemptResponse, deps: AttemptDependencies, signal: AbortSignal): Promise<void> {
  const { finetune, log } = deps;
  const startCpuMs = cpuTimeMs();
  const attempt = { jobId: begun.job?.id ?? "", attempt: begun.attempt };
  const controller = new AbortController();
  const stop = () => controller.abort(signal.reason);
  signal.addEventListener("abort", stop, { once: true });
  const progress = createProgress((begun.leaseSeconds * 1000) / 3);
  sendReports(finetune, attempt, progress.reports(), controller);
  try {
    signal.throwIfAborted();
    const recipe = parseRecipe(begun.job?.recipe ?? "");
    progress.begin(recipe);
    const checkpointer = createCheckpointer(deps, attempt, controller);
    const checkpoint = await loadCheckpoint(deps, begun.checkpoint, controller.signal);
    if (checkpoint) progress.resume(checkpoint.step);
    const onStep = (step: TrainStep) => {
      progress.onStep(step);
      checkpointer.onStep(step);
    };
    const watch = { checkpoint, signal: controller.signal, onStep };
    const attributes = { "ratatouille.job": attempt.jobId, "ratatouille.attempt": attempt.attempt, "ratatouille.recipe.kind": recipe.kind };
    const product = await inSpan("run recipe", attributes, () => runRecipe(recipe, deps.inputs(controller.signal), watch));
    await checkpointer.settled();
    if (!begun.reproduce)
      await deps.artifacts.publish(product.built, { blobs: product.blobs.map(({ bytes }) => bytes), signal: controller.signal });
    const cpuMs = BigInt(Math.round(cpuTimeMs() - startCpuMs));
    // Not the controller's signal: the service ends the progress stream of a completed attempt, maybe before it answers here.
    await finetune.completeAttempt({ ...attempt, artifact: product.built.digest, cpuMs }, { signal });
    log.info({ job: attempt.jobId, artifact: product.built.digest }, "job completed");
  } catch (thrown) {
    const error = controller.signal.aborted ? controller.signal.reason : thrown;
    if (signal.aborted) throw signal.reason;
    if (error instanceof LostAttempt || isRpcError(error, Code.ABORTED)) {
      log.info({ job: attempt.jobId, reason: error.message }, "attempt given up");
      return;
    }
    log.warn({ job: attempt.jobId, err: error }, "attempt failed");
    await finetune.failAttempt({ ...attempt, error: failureSentence(error), permanent: isPermanent(error) }, { signal });
  } finally {
    signal.removeEventListener("abort", stop);
    progress.end();
  }
}
