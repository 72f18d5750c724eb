import { type Bus, PoisonError, RetryLater } from "#libs/bus";
import { Code, isRpcError, type RpcChannel } from "#libs/rpc";
import { workTopic } from "#libs/topics";
import { type BeginAttemptResponse, FinetuneService } from "#proto/ratatouille/v1/finetune_pb.ts";
import { type AttemptDependencies, runAttempt } from "./attempt.ts";

/** Another trainer has the job. If it loses it, we want to be there soon. */
const LEASED_RETRY_MS = 1000;

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
  // A job that is leased elsewhere is looked at again and again, which is no failure of the message.
  const options = { durable: "trainer", concurrency: 1, maxDeliver: 1_000_000, signal };
  await bus.consume(workTopic(device), options, async ({ jobId }) => {
    const begun = await begin(() => finetune.beginAttempt({ jobId, trainer: name, device }, { signal }));
    if (begun) await runAttempt(begun, { ...worker, finetune }, signal);
  });
}

/** The attempt, or undefined if the job needs no work any more. */
async function begin(call: () => Promise<BeginAttemptResponse>): Promise<BeginAttemptResponse | undefined> {
  try {
    return await call();
  } catch (error) {
    if (isRpcError(error, Code.FAILED_PRECONDITION, "JOB_DONE")) return undefined;
    if (isRpcError(error, Code.FAILED_PRECONDITION, "JOB_LEASED")) throw new RetryLater(LEASED_RETRY_MS);
    if (isRpcError(error, Code.NOT_FOUND)) throw new PoisonError(error.message);
    throw error;
  }
}
