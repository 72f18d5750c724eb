import { createLimit } from "#libs/concurrency";
import type { Digest, Recipe } from "#libs/recipes";
import { Code, isRpcError } from "#libs/rpc";
import type { Logger } from "#libs/telemetry";
import type { Job } from "#proto/ratatouille/v1/finetune_pb.ts";
import { instantiate } from "../plan/instantiate.ts";
import type { Outcome } from "../plan/outcome.ts";
import { dependencies, type Node } from "../plan/template.ts";
import { type Executors, isMeasured, outcomeOf } from "./executors.ts";
import { createLeakGuard } from "./leak.ts";
import { createProgress, type NodeState, type Progress } from "./progress.ts";
import { retryTransient } from "./retry-transient.ts";
import { createRunJobs, type RunJobs } from "./run-jobs.ts";

/** What drives a run through its graph, and what can be seen of it meanwhile. */
export type Driver = Pick<RunJobs, "ended" | "observe" | "wake"> & {
  /** Resolves with the outcome of every node, or rejects when the run cannot go on or the signal aborts. */
  readonly finished: Promise<ReadonlyMap<string, Outcome>>;
  readonly progress: Pick<Progress, "running" | "missing" | "stages" | "remainingSeconds">;
  /** Resolves when nothing is asked of any service any more. Comes soon after the signal has aborted. */
  settled(): Promise<void>;
};

/** A node failed and the run cannot go on without it. */
export class RunFailedError extends Error {
  override readonly name = "RunFailedError";
}

type Dependencies = {
  readonly executors: Executors;
  readonly log: Logger;
  readonly signal: AbortSignal;
  /** How long services that do not answer are asked again. */
  readonly patienceMs: number;
  /** Pins an artifact that was there before. @throws RpcError NOT_FOUND if it is gone meanwhile. */
  readonly keep: (digest: Digest) => Promise<void>;
  /** A node's artifact is known. `cpuMs` if it was made for this start of the run: what it took to compute, 0 for averages. */
  readonly onDone: (node: Node, outcome: Outcome & { state: "done" }, cpuMs?: number) => void;
  /** A node failed and the run goes on without it. */
  readonly onFailed: (node: Node, error: string) => void;
  /** Something that watchers show has changed. */
  readonly onChange: () => void;
};

/** Catalog lookups under way at once; those of one moment travel together. */
const LOOKUPS = 128;
/** Averages and evaluations under way at once; the services queue what exceeds their workers. */
const CALLS = 4;
/** How often an artifact is looked up again that was there and gone a moment later. */
const LOOKS = 3;

/**
 * Drives a graph: each node whose inputs are made is looked up in the catalog by its recipe's key and, if it has no artifact, handed to its
 * service. What a service is told twice it does once, so a run that starts again only goes on.
 *
 * Only a fine-tuning that fails is a reason to go on without an expendable node. Services that do not answer are asked again for a while;
 * after that, and after any other error, the run fails and can be started again.
 */
export function drive(runId: string, nodes: readonly Node[], dependenciesOfRun: Dependencies): Driver {
  const { executors, log, signal, patienceMs, keep, onDone, onFailed, onChange } = dependenciesOfRun;
  const outcomes = new Map<string, Outcome>();
  const progress = createProgress(nodes);
  const guard = createLeakGuard(nodes);
  const dependents = new Map<string, Node[]>();
  const missing = new Map<string, number>();
  const working = new Set<Promise<void>>();
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

  /** Does something for a node in the background. What it throws is the end of the run. */
  const work = (node: Node, task: () => Promise<void>) => {
    const done = task().catch((cause: unknown) => {
      if (over) return;
      if (!isRpcError(cause)) log.error({ runId, node: node.id, err: cause }, "a node failed for a reason that is not its own");
      fail(new RunFailedError(`${node.label}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause }));
    });
    working.add(done);
    done.finally(() => working.delete(done)).catch(() => undefined);
  };

  const settle = (node: Node, outcome: Outcome, state: NodeState, cpuMs = 0) => {
    if (over || outcomes.has(node.id)) return;
    outcomes.set(node.id, outcome);
    move(node, state);
    if (outcome.state === "done") onDone(node, outcome, state === "cached" ? undefined : cpuMs);
    else if (!node.expendable) return fail(new RunFailedError(`${node.label}: ${outcome.error}`));
    else {
      log.warn({ runId, node: node.id, error: outcome.error }, "the run goes on without a node");
      onFailed(node, outcome.error);
    }
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
    const leak = guard.leakOf(node, outcomes);
    if (leak !== undefined) return fail(new RunFailedError(leak));
    move(node, "queued");
    work(node, () => run(node, instance.recipe));
  };

  /** What the catalog has for a recipe, pinned before anything relies on it. */
  const find = async (recipe: Recipe): Promise<Outcome | undefined> => {
    for (let look = 1; !over; look += 1) {
      const artifact = await executors.artifacts.findByRecipe(recipe, { signal });
      if (!artifact) return undefined;
      try {
        await keep(artifact.digest as Digest);
        return await outcomeOf(artifact, executors.artifacts, signal);
      } catch (error) {
        if (look === LOOKS || !isRpcError(error, Code.NOT_FOUND)) throw error;
      }
    }
    return undefined;
  };

  const run = async (node: Node, recipe: Recipe): Promise<void> => {
    const again = { patienceMs, signal };
    const known = await lookup(async () => (over ? undefined : retryTransient(() => find(recipe), again)));
    if (over) return;
    if (known) return settle(node, known, "cached");
    if (recipe.kind !== "average" && !isMeasured(recipe)) return jobs.submit(node, recipe);
    await call(async () => {
      if (over) return;
      move(node, "running");
      if (recipe.kind === "average") {
        const { digest } = await retryTransient(() => executors.average(recipe, { signal }), again);
        settle(node, { state: "done", digest: digest as Digest }, "done");
      } else {
        const { artifact, result, computeMs } = await retryTransient(() => executors.evaluate(recipe, { signal }), again);
        settle(node, { state: "done", digest: artifact.digest as Digest, result }, "done", computeMs);
      }
    });
  };

  const complete = async (node: Node, job: Job, cpuMs: number) => {
    const get = async () => outcomeOf(await executors.artifacts.get(job.artifact, { signal }), executors.artifacts, signal);
    settle(node, await retryTransient(get, { patienceMs, signal }), "done", cpuMs);
  };

  const jobs = createRunJobs({
    runId,
    finetune: executors.finetune,
    log,
    signal,
    patienceMs,
    work,
    events: {
      onOpen(node, job, running) {
        if (over || outcomes.has(node.id)) return;
        move(node, running ? "running" : "queued");
        progress.report(node, job);
      },
      onSucceeded: (node, job, cpuMs) => work(node, () => complete(node, job, cpuMs)),
      onFailed: (node, error) => settle(node, { state: "failed", error }, "failed"),
      onRefused: (node) => fail(new RunFailedError(`${node.label}: its job was cancelled`)),
    },
  });

  for (const node of nodes) {
    const needed = dependencies(node);
    missing.set(node.id, needed.length);
    for (const id of needed) {
      const known = dependents.get(id);
      if (known) known.push(node);
      else dependents.set(id, [node]);
    }
  }
  for (const node of nodes) if (missing.get(node.id) === 0) begin(node);
  const settled = async () => {
    while (working.size > 0) await Promise.all(working);
  };
  const { ended, observe, wake } = jobs;
  return { finished: finished.promise, progress, ended, observe, wake, settled };
}
