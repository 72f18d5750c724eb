import { type Bus, PoisonError, RetryLater } from "#libs/bus";
import { Code, isRpcError, type RpcChannel } from "#libs/rpc";
import { workTopic } from "#libs/topics";
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

/** Takes jobs from the work queue of a device and runs them, one at a time, until the signal aborts. */
export async function takeWork(worker: Worker, signal: AbortSignal): Promise<void> {
  const { channel, bus, name, device } = worker;
  const finetune = channel.client(FinetuneService);
  // The fine-tune service decides when a job has failed; the number of deliveries says nothing about it.
  const options = { durable: "trainer", concurrency: 1, maxDeliver: 1_000_000, signal };
  await bus.consume(workTopic(device), options, async ({ jobId }) => {
    const begun = await begin(() => finetune.beginAttempt({ jobId, trainer: name }, { signal }));
    if (begun) await runAttempt(begun, { ...worker, finetune }, signal);
  });
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
