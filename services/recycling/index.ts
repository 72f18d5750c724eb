import { join } from "node:path";
import type { Bus } from "#libs/bus";
import { implement, type RpcChannel } from "#libs/rpc";
import type { Service } from "#libs/service";
import type { Logger } from "#libs/telemetry";
import { jobFinished } from "#libs/topics";
import { RecyclingService } from "#proto/ratatouille/v1/recycling_pb.ts";
import { createExecutors } from "./executors.ts";
import { createRuns } from "./runs.ts";
import { createRecyclingService } from "./service.ts";
import { openRunStore } from "./store.ts";

/** Name of the durable consumer: all replicas share it. */
const DURABLE = "recycling";

/**
 * The recycling service.
 * @param options.channel reaches the catalog and the services that do the work.
 * @param options.resume go on with interrupted runs at the start; otherwise they wait for StartRun.
 */
export async function createRecycling({
  directory,
  bus,
  channel,
  log,
  resume,
}: {
  readonly directory: string;
  readonly bus: Bus;
  readonly channel: RpcChannel;
  readonly log: Logger;
  readonly resume: boolean;
}): Promise<Service> {
  const store = await openRunStore(join(directory, "recycling.sqlite"));
  const executors = createExecutors(channel);
  const runs = createRuns(store, executors, log, resume);
  return {
    name: "recycling",
    registrations: [implement(RecyclingService, createRecyclingService(runs, executors))],
    async run(signal) {
      const relaying = store.outbox.relay(bus, { signal, onError: (error) => log.warn({ error }, "an event was not published; it stays") });
      const consuming = bus.consume(jobFinished, { durable: DURABLE, concurrency: 8, signal }, async ({ jobId }) => runs.wake(jobId));
      if (resume) await runs.resume();
      await Promise.all([relaying, consuming]);
      await runs.interrupt();
    },
    async [Symbol.asyncDispose]() {
      await runs.interrupt();
      await store[Symbol.asyncDispose]();
    },
  };
}
