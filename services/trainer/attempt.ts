import { setTimeout as sleep } from "node:timers/promises";
import { parseRecipe } from "#libs/recipes";
import { Code, isRpcError } from "#libs/rpc";
import { cpuTimeMs } from "#libs/service";
import { inSpan } from "#libs/telemetry";
import type { BeginAttemptResponse } from "#proto/ratatouille/v1/finetune_pb.ts";
import { createCheckpointer } from "./checkpoints.ts";
import type { AttemptDependencies } from "./dependencies.ts";
import { failureSentence, isOfThisTrainer, isPassing, isPermanent, LostAttempt } from "./failure.ts";
import { createProgress } from "./progress.ts";
import { deliver, publish } from "./publish.ts";
import { createResumption } from "./resumption.ts";
import { runRecipe } from "./run-recipe.ts";
import { sendReports } from "./send-reports.ts";
import type { Stopping } from "./stopping.ts";
import type { Step } from "./watch.ts";

/** How long the service may take to hear that a trainer that ends gives its job back. */
const RELEASE_MS = 1000;
/** A job that could not be run for want of a service is taken up again no sooner. */
const PAUSE_MS = 1000;

/** An attempt under way. */
export type RunningAttempt = {
  /** Resolves when there is nothing left to compute. What remains is telling others, and the next attempt may begin meanwhile. */
  readonly computed: Promise<void>;
  /**
   * Resolves when the attempt has ended: the artifact is published and the job complete, or the failure is reported, or the job is given
   * back, or another attempt has it, or nobody needs it any more. Rejects with an RpcError if the service cannot be told; then the lease
   * ends by itself.
   */
  readonly ended: Promise<void>;
};

/**
 * Runs an attempt that has begun. When the trainer is asked to stop, a training ends with a checkpoint of the step that it has come to,
 * what is computed is published if there is time, and the job is given back otherwise.
 */
export function runAttempt(begun: BeginAttemptResponse, deps: AttemptDependencies, stopping: Stopping): RunningAttempt {
  const computed = Promise.withResolvers<void>();
  return { computed: computed.promise, ended: attemptJob(begun, deps, stopping, computed.resolve).finally(computed.resolve) };
}

async function attemptJob(
  begun: BeginAttemptResponse,
  deps: AttemptDependencies,
  { asked, timeUp }: Stopping,
  computed: () => void,
): Promise<void> {
  const { finetune, log } = deps;
  const startCpuMs = cpuTimeMs();
  const attempt = { jobId: begun.job?.id ?? "", attempt: begun.attempt };
  const controller = new AbortController();
  // A trainer that is asked to stop computes no more once its last state is copied, and still saves and publishes.
  const drained = new AbortController();
  const computing = AbortSignal.any([controller.signal, drained.signal]);
  const checkpointer = createCheckpointer(deps, attempt, controller);
  const resumption = createResumption(deps, attempt, begun);
  const giveUp = () => controller.abort(timeUp.reason);
  const drain = () => checkpointer.last(() => drained.abort(asked.reason));
  timeUp.addEventListener("abort", giveUp, { once: true });
  asked.addEventListener("abort", drain, { once: true });
  const progress = createProgress((begun.leaseSeconds * 1000) / 3);
  void sendReports(deps, attempt, progress, controller);
  using _heartbeat = deps.heartbeat.keep(attempt, begun.leaseSeconds, (why) => controller.abort(new LostAttempt(why)));
  try {
    asked.throwIfAborted();
    await using work = deps.workshop.open(begun, computing);
    const recipe = parseRecipe(begun.job?.recipe ?? "");
    progress.begin(recipe);
    const saved = await resumption.load(computing);
    if (saved) progress.resume(begun.checkpointStep);
    const { onUnusable } = resumption;
    const onStep = (step: Step) => {
      resumption.onStep(step);
      progress.onStep(step);
      checkpointer.onStep(step);
    };
    const watch = { saved, onUnusable, signal: computing, onStep, onValidating: progress.onValidating, onRows: progress.onRows };
    const attributes = { "ratatouille.job": attempt.jobId, "ratatouille.attempt": attempt.attempt, "ratatouille.recipe.kind": recipe.kind };
    const product = await inSpan("run recipe", attributes, () => runRecipe(recipe, work, watch));
    asked.removeEventListener("abort", drain);
    const cpuMs = BigInt(Math.round(cpuTimeMs() - startCpuMs));
    computed();
    await Promise.all([checkpointer.settled(), resumption.settled()]);
    const { job } = await deliver(
      () => publish(product, deps, begun.reproduce, controller.signal),
      // Not the controller's signal: the service ends the progress stream of a completed attempt, maybe before it answers here.
      (made) => finetune.completeAttempt({ ...attempt, ...made, cpuMs, usage: deps.usage() }, { signal: timeUp }),
    );
    log.info({ job: attempt.jobId, artifact: job?.artifact }, "job completed");
  } catch (thrown) {
    computed();
    await checkpointer.settled();
    const error = controller.signal.aborted ? controller.signal.reason : thrown;
    if (error instanceof LostAttempt || isRpcError(error, Code.ABORTED)) {
      log.info({ job: attempt.jobId, reason: error.message }, "attempt given up");
      return;
    }
    if (isRpcError(error, Code.INVALID_ARGUMENT, "OUTPUTS_INVALID")) {
      // The attempt has ended with it.
      log.error({ job: attempt.jobId, err: error }, "the service refuses what was made: it is not what the recipe makes");
      return;
    }
    if (asked.aborted) {
      await finetune.releaseAttempt(attempt, { timeoutMs: RELEASE_MS });
      log.info({ job: attempt.jobId }, "the trainer ends; its job is given back");
      return;
    }
    if (isPassing(error)) {
      log.warn({ job: attempt.jobId, err: error }, "a service is not there, or has no room; the job is given back");
      await sleep(PAUSE_MS, undefined, { signal: asked }).catch(() => undefined);
      await finetune.releaseAttempt(attempt, { signal: timeUp });
      return;
    }
    log.warn({ job: attempt.jobId, err: error }, "attempt failed");
    const failure = { error: failureSentence(error), permanent: isPermanent(error), elsewhere: isOfThisTrainer(error) };
    await finetune.failAttempt({ ...attempt, ...failure }, { signal: timeUp });
  } finally {
    asked.removeEventListener("abort", drain);
    timeUp.removeEventListener("abort", giveUp);
    progress.end();
  }
}
