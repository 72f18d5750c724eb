import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { createArtifacts } from "#libs/artifacts";
import type { Bus } from "#libs/bus";
import { networkNames } from "#libs/networks";
import { type Clients, implement } from "#libs/rpc";
import type { Service } from "#libs/service";
import type { Logger } from "#libs/telemetry";
import { CatalogService } from "#proto/ratatouille/v1/catalog_pb.ts";
import { FinetuneService } from "#proto/ratatouille/v1/finetune_pb.ts";
import { createHandOver, type HandOver } from "./hand-over/hand-over.ts";
import type { JobRecord, JobStateName } from "./job.ts";
import { createJobs, type Jobs } from "./jobs.ts";
import { createLeases, type Leases } from "./leases.ts";
import { observeQueue } from "./metrics.ts";
import { createReportStreams } from "./reports.ts";
import { createPace } from "./rivals/pace.ts";
import { createRivals } from "./rivals/rivals.ts";
import { createFinetuneService } from "./service.ts";
import { type JobStore, openJobStore } from "./store.ts";
import { createPresence } from "./trainers/presence.ts";
import { createWaiting, type Waiting } from "./trainers/waiting.ts";
import { createWatchers } from "./watchers.ts";

export { estimateNeeds } from "./needs/estimate.ts";
export { storedJobs } from "./stored.ts";

/** What the fine-tune service needs. */
export type FinetuneDependencies = {
  /** Its own file `finetune.sqlite` lies here. */
  readonly directory: string;
  readonly bus: Pick<Bus, "publish" | "subscribe" | "unsettled" | "check" | "onReset">;
  /** Reach the catalog. */
  readonly clients: Clients;
  readonly log: Logger;
  /** How long attempts of an earlier life of this service may take to report again. 0 where trainers die with the service. */
  readonly orphanGraceMs: number;
  /** Seconds without a report after which a trainer is lost. */
  readonly leaseSeconds?: number | undefined;
  /** Time between looks for jobs whose message got lost. */
  readonly sweepMs?: number;
  /** Seconds without an announcement after which a trainer is not there any more. */
  readonly presenceSeconds?: number;
  readonly now?: () => number;
};

const PAGE = 500;
/** What no trainer has for no longer than this is not said: trainers start, and start again. With a lease it stays below ten seconds. */
const MISSING_GRACE_MS = 3_000;
const REVIEW_MS = 500;

/** The fine-tune service: training jobs, attempts and leases. */
export async function createFinetune({
  directory,
  bus,
  clients,
  log,
  orphanGraceMs,
  leaseSeconds = 15,
  sweepMs = 30_000,
  presenceSeconds = 5,
  now = Date.now,
}: FinetuneDependencies): Promise<Service> {
  const store = await openJobStore(join(directory, "finetune.sqlite"), now);
  const watchers = createWatchers();
  const streams = createReportStreams();
  const lost = async (jobId: string, attempt: number, how: string) => {
    try {
      await jobs.lost(jobId, attempt, how);
    } catch (err) {
      log.error({ job: jobId, attempt, err }, "a lost trainer was not written; the sweep does it later");
    }
  };
  const leases = createLeases(leaseSeconds * 1000, lost);
  const presence = createPresence(presenceSeconds * 1000, now, () => {
    waiting.review();
    handOver.review();
  });
  const waiting: Waiting = createWaiting({
    presence,
    isBuiltIn: (network) => networkNames().includes(network),
    graceMs: MISSING_GRACE_MS,
    onChange(ids) {
      for (const id of ids) watchers.changed(id);
    },
  });
  const pace = createPace();
  const rivals = createRivals(pace, (job, trainerId) => waiting.lackOf(job, trainerId) === undefined);
  const lend = (trainerId: string) => (waiting.hasFor(trainerId) ? undefined : rivals.offer(trainerId));
  const handOver: HandOver = createHandOver({ bus, store, presence, waiting, log });
  const jobs = createJobs({
    store,
    leases,
    watchers,
    streams,
    waiting,
    handOver,
    presence,
    pace,
    rivals,
    artifacts: createArtifacts(clients),
    catalog: clients.client(CatalogService),
    log,
    now,
  });
  for await (const job of allJobs(store, ["queued"])) waiting.observe(job);
  return {
    name: "finetune",
    registrations: [
      implement(
        FinetuneService,
        createFinetuneService({ jobs, store, leases, streams, watchers, presence, waiting, handOver, leaseSeconds, presenceSeconds }),
      ),
    ],
    checks: [
      { name: "database", vital: true, check: () => store.check() },
      // Without it jobs wait: their offers are published later.
      { name: "bus", vital: false, check: () => bus.check() },
      { name: "events", vital: false, check: () => store.outbox.check() },
    ],
    async run(signal) {
      using _queue = observeQueue(store);
      using _reset = bus.onReset((beforeMs) => {
        if (beforeMs === Infinity) log.warn("the bus has lost what it had; all queued jobs are offered again");
        store.offerAll(beforeMs).catch((err: unknown) => log.error({ err }, "queued jobs were not offered again; the sweep does it later"));
      });
      using _review = every(REVIEW_MS, () => {
        waiting.review();
        handOver.lend(lend);
      });
      signal.addEventListener("abort", () => handOver.stop(), { once: true });
      await Promise.all([
        store.outbox.relay(bus, {
          signal,
          onError: (err) => log.warn({ err }, "offers wait for the bus"),
          onRefused: (event, err) => log.error({ event, err }, "the bus refuses an event; it is set aside"),
        }),
        sweep({ store, bus, jobs, leases, log, everyMs: sweepMs, orphanGraceMs, leaseMs: leaseSeconds * 1000 }, signal),
      ]);
    },
    async [Symbol.asyncDispose]() {
      await handOver[Symbol.asyncDispose]();
      leases[Symbol.dispose]();
      presence[Symbol.dispose]();
      await store[Symbol.asyncDispose]();
    },
  };
}

type Swept = {
  readonly store: JobStore;
  readonly bus: Pick<Bus, "unsettled">;
  readonly jobs: Jobs;
  readonly leases: Leases;
  readonly log: Logger;
  readonly everyMs: number;
  readonly orphanGraceMs: number;
  readonly leaseMs: number;
};

/** Closes the gaps that a restart, a failed write, a lost message or a lost answer leaves. */
async function sweep({ store, bus, jobs, leases, log, everyMs, orphanGraceMs, leaseMs }: Swept, signal: AbortSignal): Promise<void> {
  for (let first = true; !signal.aborted; first = false) {
    try {
      if (first) await adopt(store, leases, orphanGraceMs, "did not report again after a restart of the service");
      else await adopt(store, leases, leaseMs, "said nothing for the time of a lease, and that could not be written at once");
      await jobs.unpinEnded();
      await offerAgain(store, bus);
    } catch (err) {
      log.warn({ err }, "the sweep failed; it is done again");
    }
    await sleep(everyMs, undefined, { signal }).catch(() => undefined);
  }
}

/** Offers again what nobody took for long, where the bus has fewer messages than there are jobs: another one of each would be a job too many for who counts them. */
async function offerAgain(store: JobStore, bus: Pick<Bus, "unsettled">): Promise<void> {
  if (!(await store.hasOldOffers())) return;
  const whole = new Set<string>();
  for (const [subject, jobs] of await store.openBySubject()) if ((await bus.unsettled(subject)) >= jobs) whole.add(subject);
  await store.offerAgain((subject) => !whole.has(subject));
}

/** Attempts that run without a lease: their trainers report again in time, or they are lost. */
async function adopt(store: JobStore, leases: Leases, forMs: number, how: string): Promise<void> {
  for await (const { id, live } of allJobs(store, ["running"])) for (const { attempt } of live) leases.adopt(id, attempt, forMs, how);
}

/** All jobs of some states, a page at a time. */
async function* allJobs(store: JobStore, states: readonly JobStateName[]): AsyncGenerator<JobRecord, void, undefined> {
  for (let after = 0; ; ) {
    const page = await store.list({ states }, PAGE, after);
    for (const { job } of page) yield job;
    const last = page.at(-1);
    if (page.length < PAGE || !last) return;
    after = last.position;
  }
}

/** Does something again and again, without keeping the process alive. */
function every(ms: number, work: () => void): Disposable {
  const timer = setInterval(work, ms);
  timer.unref();
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
