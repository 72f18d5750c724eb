import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { createArtifacts } from "#libs/artifacts";
import type { Bus } from "#libs/bus";
import { type Clients, implement } from "#libs/rpc";
import type { Service } from "#libs/service";
import type { Logger } from "#libs/telemetry";
import { CatalogService } from "#proto/ratatouille/v1/catalog_pb.ts";
import { FinetuneService } from "#proto/ratatouille/v1/finetune_pb.ts";
import { createJobs, type Jobs } from "./jobs.ts";
import { createLeases, type Leases } from "./leases.ts";
import { observeQueue } from "./metrics.ts";
import { createReportStreams } from "./reports.ts";
import { createFinetuneService } from "./service.ts";
import { type JobStore, openJobStore } from "./store.ts";
import { createWatchers } from "./watchers.ts";

/** What the fine-tune service needs. */
export type FinetuneDependencies = {
  /** Its own file `finetune.sqlite` lies here. */
  readonly directory: string;
  readonly bus: Pick<Bus, "publish" | "check" | "onReset">;
  /** Reach the catalog. */
  readonly clients: Clients;
  readonly log: Logger;
  /** How long attempts of an earlier life of this service may take to report again. 0 where trainers die with the service. */
  readonly orphanGraceMs: number;
  /** Seconds without a report after which a trainer is lost. */
  readonly leaseSeconds?: number;
  /** Time between looks for jobs whose message got lost. */
  readonly sweepMs?: number;
  readonly now?: () => number;
};

const PAGE = 500;

/** The fine-tune service: training jobs, attempts and leases. */
export async function createFinetune({
  directory,
  bus,
  clients,
  log,
  orphanGraceMs,
  leaseSeconds = 15,
  sweepMs = 30_000,
  now = Date.now,
}: FinetuneDependencies): Promise<Service> {
  const store = await openJobStore(join(directory, "finetune.sqlite"), now);
  const watchers = createWatchers();
  const streams = createReportStreams();
  const lost = (jobId: string, attempt: number, how: string) => {
    jobs
      .lost(jobId, attempt, how)
      .catch((error: unknown) => log.error({ job: jobId, attempt, err: error }, "a lost trainer was not written"));
  };
  const leases = createLeases(leaseSeconds * 1000, lost);
  const jobs = createJobs({
    store,
    leases,
    watchers,
    streams,
    artifacts: createArtifacts(clients),
    catalog: clients.client(CatalogService),
    log,
    now,
  });
  return {
    name: "finetune",
    registrations: [implement(FinetuneService, createFinetuneService({ jobs, store, leases, streams, watchers, leaseSeconds }))],
    checks: [
      { name: "database", vital: true, check: () => store.check() },
      // Without it jobs wait: their offers are published later.
      { name: "bus", vital: false, check: () => bus.check() },
    ],
    async run(signal) {
      using _queue = observeQueue(store);
      using _reset = bus.onReset((beforeMs) => {
        if (beforeMs === Infinity) log.warn("the bus has lost what it had; all queued jobs are offered again");
        store.offerAll(beforeMs).catch((err: unknown) => log.error({ err }, "queued jobs were not offered again; the sweep does it later"));
      });
      await Promise.all([
        store.outbox.relay(bus, { signal, onError: (error) => log.warn({ err: error }, "offers wait for the bus") }),
        recover(store, jobs, leases, orphanGraceMs, signal),
        sweep(store, jobs, log, sweepMs, signal),
      ]);
    },
    async [Symbol.asyncDispose]() {
      leases[Symbol.dispose]();
      await store[Symbol.asyncDispose]();
    },
  };
}

/** Attempts that ran when the service ended: their trainers report again within the grace period, or they are lost. */
async function recover(store: JobStore, jobs: Jobs, leases: Leases, graceMs: number, signal: AbortSignal): Promise<void> {
  const orphans: { readonly id: string; readonly attempt: number }[] = [];
  for (let after = 0; ; ) {
    const page = await store.list({ states: ["running"] }, PAGE, after);
    orphans.push(...page.map(({ job }) => job));
    const last = page.at(-1);
    if (page.length < PAGE || !last) break;
    after = last.position;
  }
  if (orphans.length > 0 && graceMs > 0) await sleep(graceMs, undefined, { signal }).catch(() => undefined);
  // An attempt that began since then holds a lease, under a newer number.
  for (const { id, attempt } of orphans)
    if (!signal.aborted && !leases.has(id)) await jobs.lost(id, attempt, "did not report again after a restart of the service");
}

/** Closes the gaps that a lost message or a lost answer leaves. */
async function sweep(store: JobStore, jobs: Jobs, log: Logger, everyMs: number, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      await store.offerAgain();
      await jobs.unpinEnded();
    } catch (err) {
      log.warn({ err }, "the sweep failed; it is done again");
    }
    await sleep(everyMs, undefined, { signal }).catch(() => undefined);
  }
}
