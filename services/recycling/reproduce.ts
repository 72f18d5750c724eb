import { canonicalRecipe, type Recipe, readManifest } from "#libs/recipes";
import { failedPrecondition, unavailable } from "#libs/rpc";
import { type Job, JobState } from "#proto/ratatouille/v1/finetune_pb.ts";
import type { Executors } from "./executors.ts";

/** What running a recipe again gave. */
export type Reproduction = { readonly expected: string; readonly actual: string; readonly same: boolean; readonly recipe: string };

/**
 * Runs the recipe of an artifact again, from its inputs in the catalog, and compares digests. Yields the job's progress where a trainer does it.
 * @throws RpcError NOT_FOUND for an unknown digest; FAILED_PRECONDITION (NOT_REPRODUCIBLE) for imports; (REPRODUCTION_FAILED) if the job failed.
 */
export async function* reproduce(digest: string, executors: Executors, signal: AbortSignal): AsyncGenerator<Job, Reproduction> {
  const artifact = await executors.artifacts.get(digest, { signal });
  const { recipe } = readManifest(artifact.manifest);
  const actual = yield* runAgain(recipe, executors, signal);
  return { expected: artifact.digest, actual, same: actual === artifact.digest, recipe: canonicalRecipe(recipe) };
}

async function* runAgain(recipe: Recipe, executors: Executors, signal: AbortSignal): AsyncGenerator<Job, string> {
  switch (recipe.kind) {
    case "import":
      throw failedPrecondition("imported files have no recipe that can be run again", { reason: "NOT_REPRODUCIBLE" });
    case "average":
      return (await executors.average(recipe, { signal, reproduce: true })).digest;
    case "evaluate":
      return (await executors.evaluate(recipe, { signal, reproduce: true })).artifact.digest;
    default:
      return yield* trainAgain(recipe, executors, signal);
  }
}

async function* trainAgain(recipe: Recipe, { finetune }: Executors, signal: AbortSignal): AsyncGenerator<Job, string> {
  const runId = `reproduce-${crypto.randomUUID()}`;
  const request = { recipe: canonicalRecipe(recipe), label: `reproduction of a ${recipe.kind}`, runId, reproduce: true };
  const { job } = await finetune.submitJob(request, { signal });
  if (!job) throw unavailable("the fine-tune service answered without a job");
  try {
    for await (const { jobs } of finetune.watchJobs({ runId }, { signal, timeoutMs: 0 })) {
      const own = jobs.findLast(({ id }) => id === job.id);
      if (!own) continue;
      if (own.state === JobState.SUCCEEDED) return own.artifact;
      if (own.state === JobState.FAILED || own.state === JobState.CANCELLED) {
        throw failedPrecondition(own.error || "the job was cancelled", { reason: "REPRODUCTION_FAILED" });
      }
      yield own;
    }
    throw unavailable("the watch of the job ended before the job");
  } finally {
    // Whoever leaves early leaves no work behind; a job that has ended is not touched.
    await finetune.cancelJobs({ runId }).catch(() => undefined);
  }
}
