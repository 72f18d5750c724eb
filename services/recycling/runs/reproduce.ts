import { canonicalRecipe, type Recipe, readManifest } from "#libs/recipes";
import { failedPrecondition, unavailable } from "#libs/rpc";
import type { Logger } from "#libs/telemetry";
import { type Job, JobState } from "#proto/ratatouille/v1/finetune_pb.ts";
import type { Executors } from "../drive/executors.ts";
import { watchJobs } from "../drive/watch-jobs.ts";
import type { RunStore } from "./store.ts";
import type { Timing } from "./timing.ts";

/** What running a recipe again gave. */
export type Reproduction = { readonly expected: string; readonly actual: string; readonly same: boolean; readonly recipe: string };

/** What a reproduction needs besides the signal. */
export type ReproductionContext = {
  readonly executors: Executors;
  readonly store: Pick<RunStore, "addReproduction" | "forgetReproduction">;
  readonly log: Logger;
  readonly timing: Pick<Timing, "sweepMs">;
};

/**
 * Runs the recipe of an artifact again, from its inputs in the catalog, and compares digests. Yields the job's progress where a trainer does it.
 * @throws RpcError NOT_FOUND for an unknown digest; FAILED_PRECONDITION (NOT_REPRODUCIBLE) for imports; (REPRODUCTION_FAILED) if the job failed.
 */
export async function* reproduce(digest: string, context: ReproductionContext, signal: AbortSignal): AsyncGenerator<Job, Reproduction> {
  const artifact = await context.executors.artifacts.get(digest, { signal });
  const { recipe } = readManifest(artifact.manifest);
  const actual = yield* runAgain(recipe, context, signal);
  return { expected: artifact.digest, actual, same: actual === artifact.digest, recipe: canonicalRecipe(recipe) };
}

async function* runAgain(recipe: Recipe, context: ReproductionContext, signal: AbortSignal): AsyncGenerator<Job, string> {
  const { executors } = context;
  switch (recipe.kind) {
    case "import":
      throw failedPrecondition("imported files have no recipe that can be run again", { reason: "NOT_REPRODUCIBLE" });
    case "average":
      return (await executors.average(recipe, { signal, reproduce: true })).digest;
    case "evaluate":
    case "measure":
      return (await executors.evaluate(recipe, { signal, reproduce: true })).artifact.digest;
    default:
      return yield* trainAgain(recipe, context, signal);
  }
}

async function* trainAgain(recipe: Recipe, context: ReproductionContext, signal: AbortSignal): AsyncGenerator<Job, string> {
  const { store, log, timing } = context;
  const { finetune } = context.executors;
  const runId = `reproduce-${crypto.randomUUID()}`;
  const request = { recipe: canonicalRecipe(recipe), label: `reproduction of a ${recipe.kind}`, runId, reproduce: true };
  // Written down first: if this process is killed, the next one finds whose jobs nobody waits for.
  await store.addReproduction(runId);
  try {
    // Not to be aborted: what is cancelled below must not arrive later.
    const { job } = await finetune.submitJob(request);
    if (!job) throw unavailable("the fine-tune service answered without a job");
    for await (const jobs of watchJobs(runId, { finetune, log, signal, sweepMs: timing.sweepMs })) {
      const own = jobs.findLast(({ id }) => id === job.id);
      if (!own) continue;
      if (own.state === JobState.SUCCEEDED) return own.artifact;
      if (own.state === JobState.FAILED || own.state === JobState.CANCELLED) {
        throw failedPrecondition(own.error || "the job was cancelled", { reason: "REPRODUCTION_FAILED" });
      }
      yield own;
    }
    throw signal.reason;
  } finally {
    // Whoever leaves early leaves no work behind; a job that has ended is not touched.
    await releaseReproduction(runId, context).catch((error: unknown) => log.warn({ runId, err: error }, "the jobs of a reproduction stay"));
  }
}

/** Cancels the jobs of a reproduction and forgets it. */
export async function releaseReproduction(id: string, { executors, store }: Omit<ReproductionContext, "log" | "timing">): Promise<void> {
  await executors.finetune.cancelJobs({ runId: id });
  await store.forgetReproduction(id);
}
