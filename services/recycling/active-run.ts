import { setTimeout as sleep } from "node:timers/promises";
import type { Report } from "#libs/reporting";
import { Code, isRpcError } from "#libs/rpc";
import { VERSION } from "#libs/service";
import type { Logger } from "#libs/telemetry";
import { type Run, RunState } from "#proto/ratatouille/v1/recycling_pb.ts";
import { type Driver, drive, RunFailedError } from "./driver.ts";
import type { Executors } from "./executors.ts";
import { createPins } from "./pins.ts";
import { planRun } from "./plan.ts";
import { createPulse, type Pulse } from "./pulse.ts";
import { nameAverages } from "./refs.ts";
import { reportRun } from "./report.ts";
import type { CompleteSpec } from "./specification.ts";
import type { RunStore } from "./store.ts";
import type { Outcomes } from "./template.ts";

/** How a run ends that is stopped: given up, or left for a later start. */
export type StopState = typeof RunState.CANCELLED | typeof RunState.INTERRUPTED;

/** A run that is being driven in this process. */
export type ActiveRun = {
  readonly driver: Driver;
  readonly pulse: Pulse;
  /** The run as it stands, with its stages. */
  current(): Run;
  remainingSeconds(): number | undefined;
  /** The report, once the run has succeeded. */
  report(): Promise<Report>;
  /** Resolves when the run has ended and its end is written. */
  readonly ended: Promise<void>;
  /** Ends it and resolves when that is written. */
  stop(state: StopState): Promise<void>;
};

type Context = { readonly executors: Executors; readonly store: RunStore; readonly log: Logger };

const REWATCH_MS = 500;

/** Starts to drive a run that is stored. */
export function activate(stored: Run, spec: CompleteSpec, { executors, store, log }: Context): ActiveRun {
  const { id } = stored;
  const plan = planRun(spec);
  const pulse = createPulse();
  const stopper = new AbortController();
  const pins = createPins(id, executors.catalog, log);
  const began = performance.now();
  const background = new Set<Promise<unknown>>();
  let run: Run = { ...stored, state: RunState.RUNNING, error: "", finishedAtMs: 0n };
  let requested: RunState | undefined;
  let outcomes: Outcomes | undefined;
  let report: Promise<Report> | undefined;

  const keep = (work: Promise<unknown>) => {
    const kept = work.catch((error: unknown) => log.warn({ runId: id, error }, "the cost of a node was not written"));
    background.add(kept);
    kept.finally(() => background.delete(kept)).catch(() => undefined);
  };
  const driver = drive(id, plan.nodes, {
    executors,
    log,
    signal: stopper.signal,
    onChange: pulse.beat,
    onDone: ({ id: node, stage }, { digest }, cpuMs) => {
      pins.add(digest);
      if (cpuMs !== undefined) keep(store.addWork(id, { node, stage, cpuMs }));
    },
  });
  const watching = watchJobs(id, driver, executors, log, stopper.signal, pulse);

  const end = async (state: RunState, error = "") => {
    await Promise.all(background);
    await pins.flush().catch((cause: unknown) => log.warn({ runId: id, error: cause }, "pins were not set"));
    await store.addWallTime(id, performance.now() - began);
    const interrupted = state === RunState.INTERRUPTED;
    run = { ...run, state, error, finishedAtMs: interrupted ? 0n : BigInt(Date.now()), stages: stagesOf(driver) };
    // A run that is left is stored as running: whoever finds it without a driver knows that it was interrupted.
    await store.save(interrupted ? { ...run, state: RunState.RUNNING } : run, !interrupted);
    if (state === RunState.FAILED || state === RunState.CANCELLED)
      await executors.finetune.cancelJobs({ runId: id }).catch(() => undefined);
    pulse.beat();
  };

  const ended = (async () => {
    try {
      outcomes = await driver.finished;
      await nameAverages(spec, plan, outcomes, executors);
      await end(RunState.SUCCEEDED);
    } catch (error) {
      if (requested !== undefined) return await end(requested);
      if (!(error instanceof RunFailedError)) log.error({ runId: id, error }, "a run failed for a reason that is not its own");
      await end(RunState.FAILED, error instanceof Error ? error.message : String(error));
    } finally {
      stopper.abort();
      await watching;
    }
  })();

  return {
    driver,
    pulse,
    ended,
    current: () => ({ ...run, stages: stagesOf(driver) }),
    remainingSeconds: () => driver.progress.remainingSeconds(performance.now() - began),
    async report() {
      await ended;
      if (!outcomes) throw new RunFailedError(run.error);
      const known = outcomes;
      report ??= store
        .cost(id)
        .then((cost) =>
          reportRun({ run: { id, spec }, plan, outcomes: known, cost, executors, version: VERSION, signal: new AbortController().signal }),
        );
      return report;
    },
    async stop(state) {
      requested ??= state;
      stopper.abort();
      await ended;
    },
  };
}

function stagesOf(driver: Driver): Run["stages"] {
  return driver.progress.stages().map((stage) => ({ $typeName: "ratatouille.v1.Stage", ...stage }));
}

/** Follows the jobs of a run. The stream starts with their current state, so a new one closes every gap. */
async function watchJobs(
  runId: string,
  driver: Driver,
  { finetune }: Executors,
  log: Logger,
  signal: AbortSignal,
  pulse: Pulse,
): Promise<void> {
  while (!signal.aborted) {
    try {
      for await (const { jobs } of finetune.watchJobs({ runId }, { signal, timeoutMs: 0 })) {
        for (const job of jobs) driver.observe(job);
        pulse.beat();
      }
    } catch (error) {
      if (signal.aborted || isRpcError(error, Code.CANCELLED)) return;
      log.warn({ runId, error }, "the watch of the jobs broke; it starts again");
      await sleep(REWATCH_MS, undefined, { signal }).catch(() => undefined);
    }
  }
}
