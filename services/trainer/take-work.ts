import { pause } from "#libs/concurrency";
import { Code, isRpcError } from "#libs/rpc";
import { UsageError } from "#libs/service";
import { contextFromHeaders, inSpan } from "#libs/telemetry";
import type { BeginAttemptResponse, TakeJobResponse } from "#proto/ratatouille/v1/finetune_pb.ts";
import { runAttempt } from "./attempt.ts";
import type { AttemptDependencies } from "./dependencies.ts";
import type { Announced } from "./heartbeat.ts";
import { type Stopping, stoppingAfter } from "./stopping.ts";

/** A call waits so long for a job, and its answer may take a little longer. */
const WAIT_S = 30;
const LATE_MS = 10_000;
/** A service that is not there, or has not heard of this trainer, is asked again. */
const AGAIN_MS = 500;
/** Somebody has to look at a trainer that gets no work. */
const PARKED_MS = 10_000;
/** So long a trainer that is asked to end may take to save and publish what it has. Who asked may kill it after three seconds. */
const DRAIN_MS = 1500;
/** Whoever is told so is wrong, however often it asks. */
const hopeless: readonly Code[] = [Code.INVALID_ARGUMENT, Code.UNAUTHENTICATED, Code.PERMISSION_DENIED];

export type Worker = AttemptDependencies & {
  /** As it announces itself. */
  readonly trainer: Announced;
};

/**
 * Takes jobs from the fine-tune service and runs them until the signal aborts. It computes one at a time; while it publishes a result it
 * computes the next.
 * @throws RpcError where the service refuses this trainer for good, UsageError for a service that has no work to hand over
 */
export async function takeWork(worker: Worker, signal: AbortSignal): Promise<void> {
  using stopping = stoppingAfter(signal, DRAIN_MS);
  let ending = Promise.resolve();
  try {
    while (!signal.aborted) {
      const { jobId = "", traceparent = "" } = (await take(worker, signal)) ?? {};
      if (jobId === "") continue;
      const parent = contextFromHeaders({ traceparent });
      await inSpan(
        "run job",
        { "ratatouille.job": jobId },
        async () => {
          const begun = await begin(worker, jobId, stopping);
          if (!begun) return;
          const { computed, ended } = runAttempt(begun, worker, stopping);
          const told = ended.catch((err: unknown) => {
            worker.log.warn({ job: jobId, err }, "the service could not be told how an attempt ended; its lease ends soon");
          });
          await Promise.all([computed, ending]);
          ending = told;
        },
        { parent },
      );
    }
  } finally {
    await ending;
  }
}

/** The next job for this trainer; undefined if there was none within the wait, or nobody to ask. */
async function take({ finetune, trainer, log }: Worker, signal: AbortSignal): Promise<TakeJobResponse | undefined> {
  const { id = "" } = trainer;
  try {
    const options = { signal, timeoutMs: 1000 * WAIT_S + LATE_MS, untraced: true };
    return await finetune.takeJob({ trainerId: id, waitSeconds: WAIT_S }, options);
  } catch (error) {
    if (signal.aborted) return undefined;
    if (isRpcError(error, Code.UNIMPLEMENTED))
      throw new UsageError("the server is of an older version, which hands no work over: TakeJob is missing");
    if (isRpcError(error) && hopeless.includes(error.code)) throw error;
    const parked = isRpcError(error, Code.FAILED_PRECONDITION, "TRAINER_PARKED");
    const away = isRpcError(error, Code.UNAVAILABLE) || isRpcError(error, Code.FAILED_PRECONDITION, "TRAINER_UNKNOWN");
    if (!away) log.warn({ err: error }, parked ? "this trainer gets no work any more" : "no work could be taken; it is tried again");
    await pause(parked ? PARKED_MS : AGAIN_MS, signal);
    return undefined;
  }
}

/**
 * The attempt, or undefined if there is nothing to do: the job is done, or another trainer has it, or it is for another. Not cut short when
 * the trainer is asked to end: a job that was begun by then is given back, and not left to its lease.
 */
async function begin({ finetune, trainer, log }: Worker, jobId: string, { timeUp }: Stopping): Promise<BeginAttemptResponse | undefined> {
  const { id = "", name = "", environment = {} } = trainer;
  try {
    return await finetune.beginAttempt({ jobId, trainer: name, trainerId: id, environment }, { signal: timeUp });
  } catch (error) {
    for (const reason of ["JOB_DONE", "JOB_LEASED", "INPUT_MISSING", "JOB_UNFIT"])
      if (isRpcError(error, Code.FAILED_PRECONDITION, reason)) return undefined;
    log.warn({ job: jobId, err: error }, "a job could not be begun; it is offered again");
    await pause(AGAIN_MS, timeUp);
    return undefined;
  }
}
