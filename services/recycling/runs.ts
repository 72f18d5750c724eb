import { create, toJson } from "@bufbuild/protobuf";
import { canonicalJson, digestOf, type Json } from "#libs/recipes";
import type { Report } from "#libs/reporting";
import type { Logger } from "#libs/telemetry";
import { type Run, RunSchema, type RunSpec, RunSpecSchema, RunState } from "#proto/ratatouille/v1/recycling_pb.ts";
import { type ActiveRun, activate } from "./active-run.ts";
import type { Executors } from "./executors.ts";
import { completeSpec } from "./specification.ts";
import type { RunStore } from "./store.ts";

const PAGE = 500;

/** All runs: those that this process drives, and those that are only stored. */
export type Runs = {
  /** Starts a run or goes on with it. @throws RpcError INVALID_ARGUMENT */
  start(spec: RunSpec): Promise<Run>;
  get(id: string): Promise<Run | undefined>;
  list(limit: number, before?: number): Promise<{ readonly run: Run; readonly position: number }[]>;
  active(id: string): ActiveRun | undefined;
  cancel(id: string): Promise<Run>;
  /** The report of a run that succeeded; undefined of any other. */
  report(id: string): Promise<Report | undefined>;
  /** Goes on with every run that was interrupted. */
  resume(): Promise<void>;
  /** A job of some run may have ended. */
  wake(jobId: string): void;
  /** Leaves all runs for a later start. */
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
export function createRuns(store: RunStore, executors: Executors, log: Logger, resume: boolean): Runs {
  const actives = new Map<string, ActiveRun>();
  const starting = new Map<string, Promise<Run>>();

  /** A run that is stored as running but driven by nobody was interrupted. */
  const seen = (run: Run): Run => {
    const active = actives.get(run.id);
    if (active) return active.current();
    return run.state === RunState.RUNNING ? { ...run, state: RunState.INTERRUPTED } : run;
  };

  const interrupted = async (): Promise<Run[]> => {
    const found: Run[] = [];
    for (let before: number | undefined; ; ) {
      const page = await store.list(PAGE, before);
      found.push(...page.flatMap(({ run }) => (run.state === RunState.RUNNING && !actives.has(run.id) ? [run] : [])));
      const last = page.at(-1);
      if (!last || page.length < PAGE) return found;
      before = last.position;
    }
  };

  const withdrawInterrupted = async (startedId: string): Promise<void> => {
    for (const { id } of await interrupted()) if (id !== startedId) await executors.finetune.cancelJobs({ runId: id });
  };

  const start = async (id: string, spec: RunSpec): Promise<Run> => {
    const complete = completeSpec(spec);
    const present = actives.get(id);
    if (present?.current().state === RunState.RUNNING) return present.current();
    await present?.ended;
    if (!resume) await withdrawInterrupted(id);
    const stored = await store.get(id);
    const run: Run = {
      ...create(RunSchema, { id, spec, startedAtMs: stored?.startedAtMs ?? BigInt(Date.now()) }),
      state: RunState.RUNNING,
    };
    await store.save(run, false);
    const active = activate(run, complete, { executors, store, log });
    actives.set(id, active);
    return active.current();
  };

  const runs: Runs = {
    start(spec) {
      const id = runIdOf(spec);
      const begun = starting.get(id) ?? start(id, spec).finally(() => starting.delete(id));
      starting.set(id, begun);
      return begun;
    },
    async get(id) {
      const run = await store.get(id);
      return run && seen(run);
    },
    async list(limit, before) {
      return (await store.list(limit, before)).map(({ run, position }) => ({ run: seen(run), position }));
    },
    active: (id) => actives.get(id),
    async cancel(id) {
      const active = actives.get(id);
      if (active) {
        await active.stop(RunState.CANCELLED);
        return active.current();
      }
      const run = await store.get(id);
      if (!run) throw new Error(`There is no run ${id}`);
      const cancelled = { ...run, state: RunState.CANCELLED, finishedAtMs: BigInt(Date.now()) };
      await store.save(cancelled, true);
      await executors.catalog.unpin({ holder: `run/${id}` });
      return cancelled;
    },
    async report(id) {
      const active = actives.get(id);
      if (active) return active.current().state === RunState.SUCCEEDED ? active.report() : undefined;
      const run = await store.get(id);
      if (run?.state !== RunState.SUCCEEDED || !run.spec) return undefined;
      // Everything is in the catalog: driving the run again only looks it up.
      await runs.start(run.spec);
      return actives.get(id)?.report();
    },
    async resume() {
      for (const { spec } of await interrupted()) if (spec) await runs.start(spec);
    },
    wake(jobId) {
      for (const { driver } of actives.values()) driver.wake(jobId);
    },
    async interrupt() {
      await Promise.all([...actives.values()].map((active) => active.stop(RunState.INTERRUPTED)));
    },
  };
  return runs;
}
