import { join } from "node:path";
import type { Bus } from "#libs/bus";
import { type Clients, implement } from "#libs/rpc";
import type { Service } from "#libs/service";
import type { Logger } from "#libs/telemetry";
import { ACK_WAIT_MS, jobFinished } from "#libs/topics";
import { RecyclingService } from "#proto/ratatouille/v1/recycling_pb.ts";
import { createExecutors } from "./drive/executors.ts";
import { retryTransient } from "./drive/retry-transient.ts";
import { releaseReproduction } from "./runs/reproduce.ts";
import { createRuns } from "./runs/runs.ts";
import { openRunStore } from "./runs/store.ts";
import { defaultTiming, type Timing } from "./runs/timing.ts";
import type { Processes } from "./runs/usage.ts";
import { createRecyclingService } from "./service.ts";

export { describePlan, type PlanDescription, type PlannedTraining } from "./describe-plan.ts";
export { AUTO, enginesNamed } from "./plan/choose-engine.ts";
export { storedRuns } from "./runs/stored.ts";

/** Name of the durable consumer: all replicas share it. */
const DURABLE = "recycling";

/**
 * The recycling service.
 * @param options.clients reach the catalog and the services that do the work.
 * @param options.processes those whose memory and bytes reports tell of; by default all services are in this one.
 * @param options.resume go on with interrupted runs at the start; otherwise they wait for StartRun.
 */
export async function createRecycling({
  directory,
  bus,
  clients,
  log,
  resume,
  processes = { own: "services", others: {} },
  timing: changes = {},
}: {
  readonly directory: string;
  readonly bus: Bus;
  readonly clients: Clients;
  readonly log: Logger;
  readonly resume: boolean;
  readonly processes?: Processes;
  readonly timing?: Partial<Timing>;
}): Promise<Service> {
  const store = await openRunStore(join(directory, "recycling.sqlite"));
  const executors = createExecutors(clients);
  const timing = { ...defaultTiming, ...changes };
  const runs = createRuns(store, executors, log, { resume, timing, processes });
  const reproduction = { executors, store, log, timing };
  // Reproductions of an earlier life of this service: nobody waits for them.
  const orphans = await store.reproductions();
  const releaseOrphans = async (signal: AbortSignal) => {
    for (const id of orphans) {
      await retryTransient(() => releaseReproduction(id, reproduction), { patienceMs: Infinity, signal }).catch((error: unknown) => {
        if (!signal.aborted) log.warn({ runId: id, err: error }, "the jobs of a reproduction stay");
      });
    }
  };
  return {
    name: "recycling",
    registrations: [implement(RecyclingService, createRecyclingService(runs, reproduction))],
    checks: [
      { name: "database", vital: true, check: () => store.check() },
      { name: "events", vital: false, check: () => store.outbox.check() },
    ],
    async run(signal) {
      const relaying = store.outbox.relay(bus, {
        signal,
        onError: (err) => log.warn({ err }, "an event was not published; it stays"),
        onRefused: (event, err) => log.error({ event, err }, "the bus refuses an event; it is set aside"),
      });
      const consuming = bus.consume(jobFinished, { durable: DURABLE, concurrency: 8, ackWaitMs: ACK_WAIT_MS, signal }, async ({ jobId }) =>
        runs.wake(jobId),
      );
      const loops = [relaying, consuming, releaseOrphans(signal)];
      if (resume) loops.push(runs.resume());
      await Promise.all(loops);
      await runs.interrupt();
    },
    async [Symbol.asyncDispose]() {
      await runs.interrupt();
      await store[Symbol.asyncDispose]();
    },
  };
}
