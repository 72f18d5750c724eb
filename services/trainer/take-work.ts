import { type Bus, PoisonError, RetryLater } from "#libs/bus";
import { backends } from "#libs/recipes";
import { Code, isRpcError, type RpcChannel } from "#libs/rpc";
import { type Device, workTopicsFor } from "#libs/topics";
import { type BeginAttemptResponse, FinetuneService } from "#proto/ratatouille/v1/finetune_pb.ts";
import { runAttempt } from "./attempt.ts";
import type { AttemptDependencies } from "./dependencies.ts";

/** The fine-tune service is not there. */
const RETRY_MS = 1000;

export type Worker = Omit<AttemptDependencies, "finetune"> & {
  readonly channel: RpcChannel;
  readonly bus: Bus;
  readonly name: string;
  readonly device: string;
};

/**
 * Takes jobs from the work queue of a device and runs them until the signal aborts. It computes one at a time; while it publishes a result
 * it computes the next. A message is settled once its job is begun and computed: from then on the lease sees to it that nothing is lost.
 */
export async function takeWork(worker: Worker, signal: AbortSignal): Promise<void> {
  const { channel, bus, name, device, log } = worker;
  const finetune = channel.client(FinetuneService);
  // The fine-tune service decides when a job has failed; the number of deliveries says nothing about it.
  const options = { durable: "trainer", concurrency: 1, maxDeliver: 1_000_000, signal };
  let ending = Promise.resolve();
  try {
    await bus.consume(workTopicsFor({ device: device as Device, backends, memoryMib: 65_536 }), options, async ({ jobId }) => {
      const begun = await begin(() => finetune.beginAttempt({ jobId, trainer: name }, { signal }));
      if (!begun) return;
      const { computed, ended } = runAttempt(begun, { ...worker, finetune }, signal);
      const told = ended.catch((err: unknown) => {
        if (!signal.aborted) log.warn({ job: jobId, err }, "the service could not be told how an attempt ended");
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
