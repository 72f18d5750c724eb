import { create } from "@bufbuild/protobuf";
import { canonicalRecipe, isApproximate, type Recipe, readManifest } from "#libs/recipes";
import { failedPrecondition, unavailable } from "#libs/rpc";
import type { Logger } from "#libs/telemetry";
import { type Job, JobState } from "#proto/ratatouille/v1/finetune_pb.ts";
import { RunSpecSchema } from "#proto/ratatouille/v1/recycling_pb.ts";
import type { Executors } from "../drive/executors.ts";
import { watchJobs } from "../drive/watch-jobs.ts";
import { AUTO } from "../plan/choose-engine.ts";
import { type ComparedMetric, compareMetrics } from "./compare-metrics.ts";
import { resolveBackend } from "./resolve-backend.ts";
import type { RunStore } from "./store.ts";
import type { Timing } from "./timing.ts";

/** What running a recipe again gave. */
export type Reproduction = {
  readonly expected: string;
  readonly actual: string;
  readonly same: boolean;
  readonly recipe: string;
  /** Whether the recipe promises no bytes; then `same` says that equal digests, or all of the metrics, say so. */
  readonly approximate: boolean;
  readonly metrics: readonly ComparedMetric[];
};

/** An artifact that was made again, and what the trainer says of it. */
type Again = { readonly digest: string; readonly summary?: string };

/** What a reproduction needs besides the signal. */
export type ReproductionContext = {
  readonly executors: Executors;
  readonly store: Pick<RunStore, "addReproduction" | "forgetReproduction">;
  readonly log: Logger;
  readonly timing: Pick<Timing, "sweepMs" | "trainerMs">;
};

/**
 * Runs the recipe of an artifact again, from its inputs in the catalog, and compares digests; where the recipe's arithmetic is approximate, what
 * both results say of themselves. Yields the job's progress where a trainer does it.
 * @throws RpcError NOT_FOUND for an unknown digest; FAILED_PRECONDITION (NOT_REPRODUCIBLE) for imports and their looks; (REPRODUCTION_FAILED) if the job failed.
 */
export async function* reproduce(digest: string, context: ReproductionContext, signal: AbortSignal): AsyncGenerator<Job, Reproduction> {
  const artifact = await context.executors.artifacts.get(digest, { signal });
  const { recipe, summary } = readManifest(artifact.manifest);
  const again = yield* runAgain(recipe, context, signal);
  const approximate = isApproximate(recipe.arithmetic);
  const equal = again.digest === artifact.digest;
  const metrics = approximate ? compareMetrics(summary, JSON.parse(again.summary || "{}")) : [];
  const same = equal || (metrics.length > 0 && metrics.every((metric) => metric.same));
  return { expected: artifact.digest, actual: again.digest, same, recipe: canonicalRecipe(recipe), approximate, metrics };
}

async function* runAgain(recipe: Recipe, context: ReproductionContext, signal: AbortSignal): AsyncGenerator<Job, Again> {
  const { executors } = context;
  switch (recipe.kind) {
    case "import":
      throw failedPrecondition("imported files have no recipe that can be run again", { reason: "NOT_REPRODUCIBLE" });
    case "looks":
      throw failedPrecondition("what images look like is found where they are imported from", { reason: "NOT_REPRODUCIBLE" });
    case "average":
      return { digest: (await executors.average(recipe, { signal, reproduce: true })).digest };
    case "evaluate":
    case "measure":
      return { digest: (await executors.evaluate(recipe, { signal, reproduce: true })).artifact.digest };
    default:
      return yield* trainAgain(recipe, context, signal);
  }
}

/** The engine for a recipe that any may run: one that a trainer has. */
async function engineFor({ arithmetic, parameters }: Recipe, { executors, timing }: ReproductionContext, signal: AbortSignal) {
  const network = parameters["network"] as { readonly name?: string } | undefined;
  if (!isApproximate(arithmetic) || network === undefined) return {};
  const spec = create(RunSpecSchema, { backend: AUTO, study: { network: { name: network.name ?? "" }, arithmetic: arithmetic ?? "" } });
  const { backend, device } = await resolveBackend(spec, executors, { waitMs: timing.trainerMs, signal });
  return { needs: { backend, device } };
}

async function* trainAgain(recipe: Recipe, context: ReproductionContext, signal: AbortSignal): AsyncGenerator<Job, Again> {
  const { store, log, timing } = context;
  const { finetune } = context.executors;
  const runId = `reproduce-${crypto.randomUUID()}`;
  const needs = await engineFor(recipe, context, signal);
  const request = { recipe: canonicalRecipe(recipe), label: `reproduction of a ${recipe.kind}`, runId, reproduce: true, ...needs };
  // Written down first: if this process is killed, the next one finds whose jobs nobody waits for.
  await store.addReproduction(runId);
  try {
    // Not to be aborted: what is cancelled below must not arrive later.
    const { job } = await finetune.submitJob(request);
    if (!job) throw unavailable("the fine-tune service answered without a job");
    for await (const jobs of watchJobs(runId, { finetune, log, signal, sweepMs: timing.sweepMs })) {
      const own = jobs.findLast(({ id }) => id === job.id);
      if (!own) continue;
      if (own.state === JobState.SUCCEEDED) return { digest: own.artifact, summary: own.summary };
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
