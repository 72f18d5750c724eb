import { type Bus, PoisonError, RetryLater } from "#libs/bus";
import { Code, isRpcError } from "#libs/rpc";
import { ACK_WAIT_MS, type Device, workTopicsFor } from "#libs/topics";
import type { BeginAttemptResponse } from "#proto/ratatouille/v1/finetune_pb.ts";
import { runAttempt } from "./attempt.ts";
import type { AttemptDependencies } from "./dependencies.ts";
import { stoppingAfter } from "./stopping.ts";

/** The fine-tune service is not there. */
const RETRY_MS = 1000;
/** So long a trainer that is asked to end may take to save and publish what it has. Who asked may kill it after three seconds. */
const DRAIN_MS = 1500;

export type Worker = AttemptDependencies & {
  readonly bus: Pick<Bus, "consume">;
  readonly name: string;
  readonly device: Device;
  readonly backends: readonly string[];
  /** What a job may need. */
  readonly memoryMib: number;
};

/**
 * Takes the jobs that fit from the work queue of a device and runs them until the signal aborts. It computes one at a time; while it publishes a result
 * it computes the next. A message is settled once its job is begun and computed: from then on the lease sees to it that nothing is lost.
 */
export async function takeWork(worker: Worker, signal: AbortSignal): Promise<void> {
  const { finetune, bus, name, log } = worker;
  // The fine-tune service decides when a job has failed; the number of deliveries says nothing about it.
  const options = { durable: "trainer", concurrency: 1, ackWaitMs: ACK_WAIT_MS, maxDeliver: 1_000_000, signal };
  using stopping = stoppingAfter(signal, DRAIN_MS);
  let ending = Promise.resolve();
  try {
    await bus.consume(workTopicsFor(worker), options, async ({ jobId }) => {
      // Not cut short when the trainer is asked to end: a job that was begun by then is given back, and not left to its lease.
      const begun = await begin(() => finetune.beginAttempt({ jobId, trainer: name }, { signal: stopping.timeUp }));
      if (!begun) return;
      const { computed, ended } = runAttempt(begun, worker, stopping);
      const told = ended.catch((err: unknown) => {
        log.warn({ job: jobId, err }, "the service could not be told how an attempt ended; its lease ends soon");
      });
      await Promise.all([computed, ending]);
      ending = told;
    });
  } finally {
    await ending;
  }
}

/** The attempt, or undefined if there is nothing to do: a job that another trainer has, and loses, is offered again. */
async function begin(call: () => Promise<BeginAttemptResponse>): Promise<BeginAttemptResponse | undefined> {
  try {
    return await call();
  } catch (error) {
    if (isRpcError(error, Code.FAILED_PRECONDITION, "JOB_DONE")) return undefined;
    if (isRpcError(error, Code.FAILED_PRECONDITION, "JOB_LEASED")) return undefined;
    if (isRpcError(error, Code.UNAVAILABLE)) throw new RetryLater(RETRY_MS);
    if (isRpcError(error, Code.NOT_FOUND)) throw new PoisonError(error.message);
    throw error;
  }
}
