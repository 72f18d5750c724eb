import type { Job } from "#proto/ratatouille/v1/finetune_pb.ts";
import { type Node, type StageName, stages } from "./template.ts";

/** Where a node is. `queued`: it could run, and waits for whoever runs it. */
export type NodeState = "waiting" | "queued" | "running" | "done" | "cached" | "failed";

/** Counts of one kind of work. */
export type StageCounts = {
  readonly name: StageName;
  readonly total: number;
  readonly done: number;
  readonly running: number;
  readonly queued: number;
  readonly failed: number;
  readonly cached: number;
};

/** Counts nodes by stage and state; stages that a run does not have are left out. */
export function countStages(nodes: readonly Node[], states: ReadonlyMap<string, NodeState>): StageCounts[] {
  return stages.flatMap((name) => {
    const own = nodes.filter(({ stage }) => stage === name).map(({ id }) => states.get(id) ?? "waiting");
    const count = (...wanted: NodeState[]) => own.filter((state) => wanted.includes(state)).length;
    if (own.length === 0) return [];
    const cached = count("cached");
    return [
      {
        name,
        total: own.length,
        done: count("done") + cached,
        running: count("running"),
        queued: count("queued"),
        failed: count("failed"),
        cached,
      },
    ];
  });
}

/**
 * Seconds left: the work left, at the rate of the work done since the start. Undefined until something was done.
 * @param elapsedMs since the start. @param jobs of the nodes that run, with their progress, by node.
 */
export function remainingSeconds(
  nodes: readonly Node[],
  states: ReadonlyMap<string, NodeState>,
  jobs: ReadonlyMap<string, Job>,
  elapsedMs: number,
): number | undefined {
  let made = 0;
  let left = 0;
  for (const { id, work } of nodes) {
    const state = states.get(id) ?? "waiting";
    if (state === "cached" || state === "failed") continue;
    const { step = 0, steps = 0 } = jobs.get(id)?.progress ?? {};
    const share = state === "done" ? 1 : state === "running" && steps > 0 ? step / steps : 0;
    made += share * work;
    left += (1 - share) * work;
  }
  if (left === 0) return 0;
  return made > 0 && elapsedMs > 1000 ? (elapsedMs / 1000) * (left / made) : undefined;
}
