import { createPulse, type Pulse } from "#libs/concurrency";
import { Code, isRpcError } from "#libs/rpc";
import { inSpan, type Logger } from "#libs/telemetry";
import { type Run, type RunSpec, RunState } from "#proto/ratatouille/v1/recycling_pb.ts";
import { type Driver, drive, RunFailedError } from "../drive/driver.ts";
import type { Executors } from "../drive/executors.ts";
import { createImageGuard } from "../drive/image-guard.ts";
import { retryTransient } from "../drive/retry-transient.ts";
import { watchJobs } from "../drive/watch-jobs.ts";
import type { Outcomes } from "../plan/outcome.ts";
import type { Plan } from "../plan/planner.ts";
import { planRun } from "../plan/planners.ts";
import { nameAverages } from "../report/refs.ts";
import { createPins, type Pins } from "./pins.ts";
import type { RunStore } from "./store.ts";
import type { Timing } from "./timing.ts";
import { type Processes, servicesUsage, trainersUsage, usedBetween } from "./usage.ts";

/** How a run ends that is stopped: given up, or left for a later start. */
export type StopState = typeof RunState.CANCELLED | typeof RunState.INTERRUPTED;

/** A run that is being driven in this process. */
export type ActiveRun = {
  readonly driver: Driver;
  readonly pulse: Pulse;
  /** The run as it stands, with its stages. */
  current(): Run;
  remainingSeconds(): number | undefined;
  /** What was made of each node, once the run has succeeded. */
  readonly outcomes: Outcomes | undefined;
  /** Resolves when the run has ended and its end is written, or the log says why it is not. */
  readonly ended: Promise<void>;
  /** Ends it and resolves when that is written. */
  stop(state: StopState): Promise<void>;
};

/** A run that ends does not wait longer for services that do not answer. */
const CLOSING_MS = 10_000;

type Context = {
  readonly executors: Executors;
  readonly store: RunStore;
  readonly processes: Processes;
  readonly log: Logger;
  readonly timing: Timing;
};

/** How a run ended. */
type End = { readonly state: RunState; readonly error: string };

/** Starts to drive a run that is stored. */
export function activate(stored: Run, spec: RunSpec, { executors, store, processes, log, timing }: Context): ActiveRun {
  const { id } = stored;
  const { patienceMs, sweepMs } = timing;
  const plan = inSpan("plan", { "ratatouille.run": id }, (span) => {
    const made = planRun(spec);
    span.setAttribute("ratatouille.nodes", made.nodes.length);
    return made;
  });
  const pulse = createPulse();
  const stopper = new AbortController();
  const { signal } = stopper;
  const pins = createPins(id, executors.catalog, log);
  const began = performance.now();
  const usedBefore = servicesUsage(processes);
  /** With what it took before this start. */
  const worked = () => stored.workedMs + BigInt(Math.round(performance.now() - began));
  const background = new Set<Promise<unknown>>();
  let run: Run = { ...stored, state: RunState.RUNNING, error: "", notes: [], finishedAtMs: 0n };
  let requested: StopState | undefined;
  let outcomes: Outcomes | undefined;

  const keep = (work: Promise<unknown>) => {
    const kept = work.catch((error: unknown) => log.warn({ runId: id, err: error }, "what became of a node was not written"));
    background.add(kept);
    kept.finally(() => background.delete(kept)).catch(() => undefined);
  };
  const guard = plan.lessons && createImageGuard(plan.lessons, executors, { patienceMs, signal, keep: pins.add });
  const driver = drive(id, plan.nodes, {
    executors,
    log,
    signal,
    patienceMs,
    keep: pins.keep,
    onChange: pulse.beat,
    onDone: ({ id: node, stage }, { digest }, cpuMs) => {
      pins.add(digest);
      guard?.onDone(node, digest);
      if (cpuMs !== undefined) keep(store.addWork(id, { node, stage, cpuMs }));
    },
    onFailed: ({ id: node }, error) => keep(store.addFailure(id, node, error)),
  });

  const watch = async () => {
    for await (const jobs of watchJobs(id, { finetune: executors.finetune, log, signal, sweepMs })) {
      for (const job of jobs) driver.observe(job);
      pulse.beat();
    }
  };
  const watching = watch().catch((error: unknown) => log.error({ runId: id, err: error }, "the watch of the jobs ended"));

  const finish = async (): Promise<End> => {
    try {
      const checked = guard?.finished.then(({ leak, notes }) => {
        if (leak !== undefined) throw new RunFailedError(leak);
        run = { ...run, notes: [...notes] };
        if (notes.length > 0) pulse.beat();
      });
      const [made] = await Promise.all([driver.finished, keepSources(plan, pins, patienceMs, signal), checked]);
      await retryTransient(() => nameAverages(spec.name, plan, made, executors, signal), { patienceMs, signal });
      await retryTransient(pins.flush, { patienceMs, signal });
      outcomes = made;
      return { state: RunState.SUCCEEDED, error: "" };
    } catch (error) {
      if (requested !== undefined) return { state: requested, error: "" };
      if (!(error instanceof RunFailedError || isRpcError(error))) {
        log.error({ runId: id, err: error }, "a run failed for a reason that is not its own");
      }
      return { state: RunState.FAILED, error: error instanceof Error ? error.message : String(error) };
    }
  };

  const close = async ({ state, error }: End): Promise<void> => {
    const trying = (what: string, work: () => Promise<unknown>) =>
      retryTransient(work, { patienceMs: Math.min(patienceMs, CLOSING_MS) }).catch((cause: unknown) =>
        log.warn({ runId: id, err: cause }, `${what} when a run ended`),
      );
    await Promise.all(background);
    if (state !== RunState.SUCCEEDED) await trying("pins were not set", pins.flush);
    if (state === RunState.FAILED || state === RunState.CANCELLED) {
      await trying("jobs were not cancelled", () => executors.finetune.cancelJobs({ runId: id }));
    }
    await store.addWallTime(id, performance.now() - began);
    const ofServices = usedBetween(await usedBefore, await servicesUsage(processes));
    await store.addUsage(id, [...ofServices, ...trainersUsage(driver.ended)]);
    const interrupted = state === RunState.INTERRUPTED;
    const over: Run = {
      ...{ ...run, state, error, workedMs: worked() },
      ...{ finishedAtMs: interrupted ? 0n : BigInt(Date.now()), stages: stagesOf(driver) },
    };
    // A run that is left is stored as running: whoever finds it without a driver knows that it was interrupted.
    await store.save(interrupted ? { ...over, state: RunState.RUNNING } : over, !interrupted);
    run = over;
  };

  const ended = (async () => {
    const end = await finish();
    stopper.abort();
    // Nothing is on its way any more that `close` would miss.
    await Promise.all([watching, driver.settled()]);
    try {
      await close(end);
    } catch (cause) {
      log.error({ runId: id, err: cause }, "the end of a run was not written");
      const message = `the end of the run could not be written: ${cause instanceof Error ? cause.message : String(cause)}`;
      run = { ...run, state: RunState.FAILED, error: end.error || message, stages: stagesOf(driver) };
      outcomes = undefined;
    } finally {
      pins[Symbol.dispose]();
      pulse.beat();
    }
  })();

  return {
    driver,
    pulse,
    ended,
    get outcomes() {
      return run.state === RunState.SUCCEEDED ? outcomes : undefined;
    },
    current: () => ({ ...run, stages: stagesOf(driver), workedMs: run.state === RunState.RUNNING ? worked() : run.workedMs }),
    remainingSeconds: () => driver.progress.remainingSeconds(performance.now() - began),
    async stop(state) {
      requested ??= state;
      stopper.abort();
      await ended;
    },
  };
}

/** Sources are the inputs that no node of the run makes. */
async function keepSources({ sources }: Plan, pins: Pins, patienceMs: number, signal: AbortSignal): Promise<void> {
  const keep = async ({ digest, name }: Plan["sources"][number]) => {
    try {
      await retryTransient(() => pins.keep(digest), { patienceMs, signal });
    } catch (cause) {
      if (!isRpcError(cause, Code.NOT_FOUND)) throw cause;
      throw new RunFailedError(`${name} is not in the catalog`, { cause });
    }
  };
  await Promise.all(sources.map(keep));
}

function stagesOf(driver: Driver): Run["stages"] {
  return driver.progress.stages().map((stage) => ({ $typeName: "ratatouille.v1.Stage", ...stage }));
}
