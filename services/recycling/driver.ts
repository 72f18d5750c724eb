import { createLimit } from "#libs/concurrency";
import { canonicalRecipe, type Digest, type Recipe } from "#libs/recipes";
import type { Logger } from "#libs/telemetry";
import { type Job, JobState } from "#proto/ratatouille/v1/finetune_pb.ts";
import { type Executors, outcomeOf } from "./executors.ts";
import { createProgress, type NodeState, type Progress } from "./progress.ts";
import { dependencies, instantiate, type Node, type Outcome } from "./template.ts";

/** What drives a run through its graph, and what can be seen of it meanwhile. */
export type Driver = {
  /** Resolves with the outcome of every node, or rejects when the run cannot go on or the signal aborts. */
  readonly finished: Promise<ReadonlyMap<string, Outcome>>;
  readonly progress: Pick<Progress, "running" | "stages" | "remainingSeconds">;
  /** Jobs that ended, in the order of their ends. Only ever appended to. */
  readonly ended: readonly Job[];
  /** Takes the newest state of a job, from whoever has it. */
  observe(job: Job): void;
  /** Something may have happened to a job: look it up. */
  wake(jobId: string): void;
};

/** A node failed and the run cannot go on without it. */
export class RunFailedError extends Error {
  override readonly name = "RunFailedError";
}

type Dependencies = {
  readonly executors: Executors;
  readonly log: Logger;
  readonly signal: AbortSignal;
  /** A node's artifact is known. `cpuMs` if it was made for this start of the run: what it took to compute, 0 for averages. */
  readonly onDone: (node: Node, outcome: Outcome & { state: "done" }, cpuMs?: number) => void;
  /** Something that watchers show has changed. */
  readonly onChange: () => void;
};

/** Catalog lookups under way at once; those of one moment travel together. */
const LOOKUPS = 128;
/** Averages and evaluations under way at once; the services queue what exceeds their workers. */
const CALLS = 4;

/**
 * Drives a graph: each node whose inputs are made is looked up in the catalog by its recipe's key and, if it has no artifact, handed to its
 * service. What a service is told twice it does once, so a run that starts again only goes on.
 */
export function drive(runId: string, nodes: readonly Node[], { executors, log, signal, onDone, onChange }: Dependencies): Driver {
  const outcomes = new Map<string, Outcome>();
  const progress = createProgress(nodes);
  const ended: Job[] = [];
  const submitted = new Map<string, Node>();
  const dependents = new Map<string, Node[]>();
  const missing = new Map<string, number>();
  const lookup = createLimit(LOOKUPS);
  const call = createLimit(CALLS);
  const finished = Promise.withResolvers<ReadonlyMap<string, Outcome>>();
  let over = false;

  const fail = (error: unknown) => {
    over = true;
    finished.reject(error);
  };
  const onAbort = () => fail(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  finished.promise.catch(() => undefined).finally(() => signal.removeEventListener("abort", onAbort));

  const move = (node: Node, state: NodeState) => {
    progress.move(node, state);
    onChange();
  };

  const settle = (node: Node, outcome: Outcome, state: NodeState, cpuMs = 0) => {
    if (over || outcomes.has(node.id)) return;
    outcomes.set(node.id, outcome);
    move(node, state);
    if (outcome.state === "done") onDone(node, outcome, state === "cached" ? undefined : cpuMs);
    else if (!node.expendable) return fail(new RunFailedError(`${node.label}: ${outcome.error}`));
    else log.warn({ runId, node: node.id, error: outcome.error }, "the run goes on without a node");
    for (const dependent of dependents.get(node.id) ?? []) {
      const left = (missing.get(dependent.id) ?? 0) - 1;
      missing.set(dependent.id, left);
      if (left === 0) begin(dependent);
    }
    if (outcomes.size === nodes.length) {
      over = true;
      finished.resolve(outcomes);
    }
  };

  const begin = (node: Node) => {
    const instance = instantiate(node, outcomes);
    if (instance.state === "waiting") throw new Error(`${node.id} began before its inputs`);
    if (instance.state === "impossible") return settle(node, { state: "failed", error: instance.error }, "failed");
    move(node, "queued");
    run(node, instance.recipe).catch((error: unknown) => {
      if (over) return;
      settle(node, { state: "failed", error: error instanceof Error ? error.message : String(error) }, "failed");
    });
  };

  const run = async (node: Node, recipe: Recipe): Promise<void> => {
    const known = await lookup(async () => {
      if (over) return undefined;
      const artifact = await executors.artifacts.findByRecipe(recipe, { signal });
      return artifact && (await outcomeOf(artifact, executors.artifacts, signal));
    });
    if (over) return;
    if (known) return settle(node, known, "cached");
    if (recipe.kind === "average" || recipe.kind === "evaluate") {
      await call(async () => {
        if (over) return;
        move(node, "running");
        if (recipe.kind === "average") {
          const { digest } = await executors.average(recipe, { signal });
          settle(node, { state: "done", digest: digest as Digest }, "done");
        } else {
          const { artifact, result, computeMs } = await executors.evaluate(recipe, { signal });
          settle(node, { state: "done", digest: artifact.digest as Digest, result }, "done", computeMs);
        }
      });
      return;
    }
    const { job } = await executors.finetune.submitJob({ recipe: canonicalRecipe(recipe), label: node.label, runId }, { signal });
    if (!job) throw new Error("The fine-tune service answered without a job");
    submitted.set(job.id, node);
    observe(job);
  };

  const observe = (job: Job) => {
    const node = submitted.get(job.id);
    if (!node || over || outcomes.has(node.id)) return;
    if (job.state === JobState.RUNNING) {
      move(node, "running");
      return progress.report(node, job);
    }
    if (job.state === JobState.QUEUED) return move(node, "queued");
    submitted.delete(job.id);
    ended.push(job);
    if (job.state === JobState.SUCCEEDED) {
      complete(node, job).catch((error: unknown) => {
        settle(node, { state: "failed", error: error instanceof Error ? error.message : String(error) }, "failed");
      });
    } else {
      const error = job.state === JobState.CANCELLED ? "its job was cancelled" : job.error;
      settle(node, { state: "failed", error }, "failed");
    }
  };

  const complete = async (node: Node, job: Job) => {
    const artifact = await executors.artifacts.get(job.artifact, { signal });
    settle(node, await outcomeOf(artifact, executors.artifacts, signal), "done", Number(job.cpuMs));
  };

  const wake = (jobId: string) => {
    if (!submitted.has(jobId) || over) return;
    executors.finetune.getJob({ id: jobId }, { signal }).then(
      ({ job }) => job && observe(job),
      // The watch of the run's jobs tells later.
      (error: unknown) => log.debug({ runId, jobId, error }, "a finished job could not be looked up"),
    );
  };

  for (const node of nodes) {
    const needed = dependencies(node);
    missing.set(node.id, needed.length);
    for (const id of needed) dependents.set(id, [...(dependents.get(id) ?? []), node]);
  }
  for (const node of nodes) if (missing.get(node.id) === 0) begin(node);
  return { finished: finished.promise, progress, ended, observe, wake };
}
