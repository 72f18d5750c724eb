import { type Bus, PoisonError, RetryLater } from "#libs/bus";
import { Code, isRpcError } from "#libs/rpc";
import { ACK_WAIT_MS, devices, workTopicsFor } from "#libs/topics";
import type { BeginAttemptResponse } from "#proto/ratatouille/v1/finetune_pb.ts";
import { runAttempt } from "./attempt.ts";
import type { AttemptDependencies } from "./dependencies.ts";
import type { Announced } from "./heartbeat.ts";
import { stoppingAfter } from "./stopping.ts";

/** The fine-tune service is not there. */
const RETRY_MS = 1000;
/** A job that is for another trainer. */
const UNFIT_MS = 250;
const UNFIT_MOST_MS = 15_000;
/** So long a trainer that is asked to end may take to save and publish what it has. Who asked may kill it after three seconds. */
const DRAIN_MS = 1500;

export type Worker = AttemptDependencies & {
  readonly bus: Pick<Bus, "consume">;
  /** As it announces itself. */
  readonly trainer: Announced;
};

/**
 * Takes the jobs that fit from the work queue of a device and runs them until the signal aborts. It computes one at a time; while it publishes a result
 * it computes the next. A message is settled once its job is begun and computed: from then on the lease sees to it that nothing is lost.
 */
export async function takeWork(worker: Worker, signal: AbortSignal): Promise<void> {
  const { finetune, bus, trainer, log } = worker;
  const { id = "", name = "", environment = {} } = trainer;
  // The fine-tune service decides when a job has failed; the number of deliveries says nothing about it.
  const options = { durable: "trainer", concurrency: 1, ackWaitMs: ACK_WAIT_MS, maxDeliver: 1_000_000, signal };
  using stopping = stoppingAfter(signal, DRAIN_MS);
  let ending = Promise.resolve();
  try {
    await bus.consume(topicsOf(trainer), options, async ({ jobId }, { delivery }) => {
      // Not cut short when the trainer is asked to end: a job that was begun by then is given back, and not left to its lease.
      const request = { jobId, trainer: name, trainerId: id, environment };
      const begun = await begin(() => finetune.beginAttempt(request, { signal: stopping.timeUp }), delivery);
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

/** What it may be offered: the jobs of all its engines, as large as it has memory. */
function topicsOf({ engines = [], memoryMib = 0 }: Announced) {
  return devices.flatMap((device) => {
    const backends = engines.filter((engine) => engine.device === device).map(({ name }) => name ?? "");
    return workTopicsFor({ device, backends, memoryMib });
  });
}

/**
 * The attempt, or undefined if there is nothing to do: a job that another trainer has, and loses, is offered again. One that is for another
 * trainer is left to it, longer each time that it comes here.
 */
async function begin(call: () => Promise<BeginAttemptResponse>, delivery: number): Promise<BeginAttemptResponse | undefined> {
  try {
    return await call();
  } catch (error) {
    for (const reason of ["JOB_DONE", "JOB_LEASED", "INPUT_MISSING"])
      if (isRpcError(error, Code.FAILED_PRECONDITION, reason)) return undefined;
    if (isRpcError(error, Code.FAILED_PRECONDITION, "JOB_UNFIT")) throw new RetryLater(Math.min(UNFIT_MOST_MS, UNFIT_MS * 2 ** delivery));
    if (isRpcError(error, Code.UNAVAILABLE)) throw new RetryLater(RETRY_MS);
    if (isRpcError(error, Code.NOT_FOUND)) throw new PoisonError(error.message);
    throw error;
  }
}
