import { setTimeout } from "node:timers";
import { create, toJson } from "@bufbuild/protobuf";
import { createSharedWork } from "#libs/concurrency";
import { canonicalJson, digestOf, type Json } from "#libs/recipes";
import type { Report } from "#libs/reporting";
import { failedPrecondition, notFound, unavailable } from "#libs/rpc";
import { VERSION } from "#libs/service";
import type { Logger } from "#libs/telemetry";
import { type Run, RunSchema, type RunSpec, RunSpecSchema, RunState } from "#proto/ratatouille/v1/recycling_pb.ts";
import type { Executors } from "../drive/executors.ts";
import { ANY_ENGINE, AUTO } from "../plan/choose-engine.ts";
import { checkRun, planRun } from "../plan/planners.ts";
import { recollect } from "../report/recollect.ts";
import { forgetAverages } from "../report/refs.ts";
import { reportRun } from "../report/report.ts";
import { type ActiveRun, activate } from "./active-run.ts";
import { holderOf } from "./pins.ts";
import { resolveBackend } from "./resolve-backend.ts";
import type { RunStore } from "./store.ts";
import type { Timing } from "./timing.ts";
import { createTurns } from "./turns.ts";
import type { Processes } from "./usage.ts";

const PAGE = 500;

/** All runs: those that this process drives, and those that are only stored. */
export type Runs = {
  /** Starts a run or goes on with it. @throws RpcError INVALID_ARGUMENT; FAILED_PRECONDITION (NO_ENGINE, ARITHMETIC_AMBIGUOUS); UNAVAILABLE while this process ends. */
  start(spec: RunSpec): Promise<Run>;
  /** @throws RpcError NOT_FOUND */
  get(id: string): Promise<Run>;
  list(limit: number, before?: number): Promise<{ readonly run: Run; readonly position: number }[]>;
  /** A run that this process drives, or drove a moment ago. */
  active(id: string): ActiveRun | undefined;
  /** @throws RpcError NOT_FOUND; FAILED_PRECONDITION (RUN_FINISHED) */
  cancel(id: string): Promise<Run>;
  /** Forgets a run and lets go of what it made. @throws RpcError NOT_FOUND; FAILED_PRECONDITION (RUN_RUNNING) */
  delete(id: string, signal: AbortSignal): Promise<void>;
  /** The report of a run that succeeded. @throws RpcError NOT_FOUND; FAILED_PRECONDITION (RUN_NOT_FINISHED, ARTIFACT_MISSING) */
  report(id: string, signal: AbortSignal): Promise<Report>;
  /** Goes on with every run that was interrupted. */
  resume(): Promise<void>;
  /** A job of some run may have ended. */
  wake(jobId: string): void;
  /** Leaves all runs for a later start. None starts any more. */
  interrupt(): Promise<void>;
};

/** The id of a run: "run-" and the first 16 hexadecimal digits of the sha-256 of its canonical specification. */
export function runIdOf(spec: RunSpec): string {
  return `run-${digestOf(canonicalJson(toJson(RunSpecSchema, spec) as Json)).slice("sha256:".length, "sha256:".length + 16)}`;
}

/**
 * The runs of a store.
 * @param resume whether interrupted runs are gone on with unasked. If not, their jobs stand back for those of runs that are started.
 */
export function createRuns(
  store: RunStore,
  executors: Executors,
  log: Logger,
  { resume, timing, processes }: { resume: boolean; timing: Timing; processes: Processes },
): Runs {
  const actives = new Map<string, ActiveRun>();
  const exclusive = createTurns();
  const reports = createSharedWork<never, Report>();
  let closed = false;

  /** A run that is stored as running but driven by nobody was interrupted. */
  const seen = (run: Run): Run => {
    const active = actives.get(run.id);
    if (active) return active.current();
    return run.state === RunState.RUNNING ? { ...run, state: RunState.INTERRUPTED } : run;
  };

  const get = async (id: string): Promise<Run> => {
    const run = await store.get(id);
    if (!run) throw notFound(`there is no run ${id}`, { reason: "RUN_UNKNOWN" });
    return seen(run);
  };

  const all = async (): Promise<Run[]> => {
    const found: Run[] = [];
    for (let before: number | undefined; ; ) {
      const page = await store.list(PAGE, before);
      found.push(...page.map(({ run }) => seen(run)));
      const last = page.at(-1);
      if (!last || page.length < PAGE) return found;
      before = last.position;
    }
  };

  const interrupted = async () => (await all()).filter(({ state }) => state === RunState.INTERRUPTED);

  const withdrawInterrupted = async (startedId: string): Promise<void> => {
    for (const { id } of await interrupted()) {
      if (id === startedId) continue;
      await exclusive(id, async () => {
        if (!actives.has(id)) await executors.finetune.cancelJobs({ runId: id });
      });
    }
  };

  const begin = async (id: string, spec: RunSpec): Promise<Run> => {
    checkRun(spec);
    const present = actives.get(id);
    if (present?.current().state === RunState.RUNNING) return present.current();
    if (closed) throw unavailable("the recycling service is ending; what was started goes on later", { reason: "ENDING" });
    const stored = await store.get(id);
    const run: Run = {
      ...create(RunSchema, { id, spec, startedAtMs: stored?.startedAtMs ?? BigInt(Date.now()), workedMs: stored?.workedMs ?? 0n }),
      state: RunState.RUNNING,
    };
    await store.begin(run);
    const active = activate(run, spec, { executors, store, processes, log, timing });
    actives.set(id, active);
    const leave = () => {
      if (actives.get(id) === active) actives.delete(id);
    };
    active.ended.then(() => void setTimeout(leave, timing.lingerMs).unref()).catch(() => undefined);
    return active.current();
  };

  const buildReport = async (run: Run, signal: AbortSignal): Promise<Report> => {
    const { id, startedAtMs, finishedAtMs, notes } = run;
    const spec = run.spec as RunSpec;
    const plan = planRun(spec);
    const outcomes = actives.get(id)?.outcomes ?? (await recollect(plan.nodes, await store.failures(id), executors, signal));
    const cost = await store.cost(id);
    return reportRun({ run: { id, spec, startedAtMs, finishedAtMs, notes }, plan, outcomes, cost, executors, version: VERSION, signal });
  };

  return {
    async start(sent) {
      // The run is that of what was sent. While it runs it keeps its engine; started again it takes another one where that is gone.
      const id = runIdOf(sent);
      checkRun(sent.backend === AUTO ? { ...sent, backend: ANY_ENGINE } : sent);
      const running = actives.get(id)?.current();
      const begun = (await store.get(id))?.spec;
      const spec =
        running?.state === RunState.RUNNING && running.spec
          ? running.spec
          : await resolveBackend(sent, executors, { waitMs: timing.trainerMs, begun });
      if (!resume) await withdrawInterrupted(id);
      return exclusive(id, () => begin(id, spec));
    },
    get,
    async list(limit, before) {
      return (await store.list(limit, before)).map(({ run, position }) => ({ run: seen(run), position }));
    },
    active: (id) => actives.get(id),
    cancel: (id) =>
      exclusive(id, async () => {
        await actives.get(id)?.stop(RunState.CANCELLED);
        const run = await get(id);
        if (run.state === RunState.SUCCEEDED || run.state === RunState.FAILED) {
          throw failedPrecondition(`run ${id} has ended already`, { reason: "RUN_FINISHED" });
        }
        if (run.state === RunState.CANCELLED) return run;
        await executors.finetune.cancelJobs({ runId: id });
        const cancelled: Run = { ...run, state: RunState.CANCELLED, finishedAtMs: BigInt(Date.now()) };
        await store.save(cancelled, true);
        return cancelled;
      }),
    delete: (id, signal) =>
      exclusive(id, async () => {
        const { state, spec } = await get(id);
        if (state === RunState.RUNNING) throw failedPrecondition(`run ${id} is running; cancel it first`, { reason: "RUN_RUNNING" });
        await executors.finetune.cancelJobs({ runId: id }, { signal });
        await executors.catalog.unpin({ holder: holderOf(id) }, { signal });
        const name = spec?.name ?? "";
        const namesakes = (await all()).filter((run) => run.id !== id && run.spec?.name === name);
        if (namesakes.length === 0) await forgetAverages(name, executors, signal);
        await store.delete(id);
        actives.delete(id);
      }),
    async report(id, signal) {
      const run = await get(id);
      if (run.state !== RunState.SUCCEEDED) {
        throw failedPrecondition(`run ${id} has no report: it is ${stateName(run.state)}`, { reason: "RUN_NOT_FINISHED" });
      }
      return reports.run(`${id} ${run.finishedAtMs}`, signal, (shared) => buildReport(run, shared));
    },
    async resume() {
      for (const { id, spec } of await interrupted()) {
        if (!spec) continue;
        await exclusive(id, () => begin(id, spec)).catch((error: unknown) => log.error({ runId: id, err: error }, "a run could not go on"));
      }
    },
    wake(jobId) {
      for (const { driver } of actives.values()) driver.wake(jobId);
    },
    async interrupt() {
      closed = true;
      await exclusive.idle();
      await Promise.all([...actives.values()].map((active) => active.stop(RunState.INTERRUPTED)));
    },
  };
}

function stateName(state: RunState): string {
  const [name] = Object.entries(RunState).find(([, value]) => value === state) ?? ["unknown"];
  return name.toLowerCase();
}
