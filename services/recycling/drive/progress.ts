import type { Job } from "#proto/ratatouille/v1/finetune_pb.ts";
import { type Node, type StageName, stages } from "../plan/template.ts";

/** Where a node is. `queued`: it could run, and waits for whoever runs it. */
export type NodeState = "waiting" | "queued" | "running" | "done" | "cached" | "failed";

/** Counts of one kind of work. `done` includes `cached`: what was in the catalog before. */
export type StageCounts = {
  readonly name: StageName;
  readonly total: number;
  readonly done: number;
  readonly running: number;
  readonly queued: number;
  readonly failed: number;
  readonly cached: number;
};

/** How far a run is. Kept up to date node by node, so that looking costs nothing however large the run is. */
export type Progress = {
  move(node: Node, state: NodeState): void;
  /** Takes the newest state of a node's job. */
  report(node: Node, job: Job): void;
  stateOf(id: string): NodeState;
  /** Jobs that run now. */
  running(): Job[];
  /** What queued jobs wait for that no trainer has, and how many of them; most first. */
  missing(): { readonly what: string; readonly jobs: number }[];
  /** In the order of `stages`; those that the run does not have are left out. */
  stages(): StageCounts[];
  /**
   * Seconds left, `elapsedMs` after the start: the work left at the rate of the work done since the first look at which all data were there.
   * How long data take says nothing about the rest. Undefined until something was done since then.
   */
  remainingSeconds(elapsedMs: number): number | undefined;
};

type Counts = { [S in NodeState]: number };

/** Nothing has begun. */
export function createProgress(nodes: readonly Node[]): Progress {
  const states = new Map<string, NodeState>(nodes.map(({ id }) => [id, "waiting"]));
  const counts = new Map<StageName, Counts>();
  const jobs = new Map<string, { readonly job: Job; readonly work: number }>();
  const waiting = new Map<string, Job>();
  let left = 0;
  let made = 0;
  let since: { readonly elapsedMs: number; readonly done: number } | undefined;
  for (const { stage, work } of nodes) {
    countsOf(counts, stage).waiting += 1;
    left += work;
  }
  return {
    move(node, state) {
      const own = countsOf(counts, node.stage);
      const before = states.get(node.id) ?? "waiting";
      states.set(node.id, state);
      own[before] -= 1;
      own[state] += 1;
      if (state !== "running") jobs.delete(node.id);
      if (state !== "queued") waiting.delete(node.id);
      if (isOver(state) && !isOver(before)) {
        left -= node.work;
        if (state === "done") made += node.work;
      }
    },
    report(node, job) {
      const state = states.get(node.id);
      if (state === "running") jobs.set(node.id, { job, work: node.work });
      if (state === "queued" && job.waitingFor !== "") waiting.set(node.id, job);
      else waiting.delete(node.id);
    },
    stateOf: (id) => states.get(id) ?? "waiting",
    // Nodes of one recipe share a job.
    running: () => [...new Map([...jobs.values()].map(({ job }) => [job.id, job])).values()],
    missing() {
      const ids = new Map<string, Set<string>>();
      for (const { id, waitingFor } of waiting.values()) ids.set(waitingFor, (ids.get(waitingFor) ?? new Set()).add(id));
      return [...ids].map(([what, { size }]) => ({ what, jobs: size })).sort((a, b) => b.jobs - a.jobs);
    },
    stages: () => stages.flatMap((name) => describe(name, counts.get(name))),
    remainingSeconds(elapsedMs) {
      if (left === 0) return 0;
      const partly = [...jobs.values()].reduce((sum, { job, work }) => sum + work * shareOf(job), 0);
      const data = counts.get("data");
      if (data && data.waiting + data.queued + data.running > 0) return undefined;
      since ??= { elapsedMs, done: made + partly };
      const seconds = (elapsedMs - since.elapsedMs) / 1000;
      const done = made + partly - since.done;
      return done > 0 && seconds > 1 ? (seconds * (left - partly)) / done : undefined;
    },
  };
}

const isOver = (state: NodeState) => state === "done" || state === "cached" || state === "failed";

function shareOf({ progress }: Job): number {
  return progress && progress.steps > 0 ? progress.step / progress.steps : 0;
}

function countsOf(all: Map<StageName, Counts>, stage: StageName): Counts {
  const known = all.get(stage) ?? { waiting: 0, queued: 0, running: 0, done: 0, cached: 0, failed: 0 };
  all.set(stage, known);
  return known;
}

function describe(name: StageName, counts: Counts | undefined): StageCounts[] {
  if (!counts) return [];
  const { waiting, queued, running, done, cached, failed } = counts;
  return [{ name, total: waiting + queued + running + done + cached + failed, done: done + cached, running, queued, failed, cached }];
}
