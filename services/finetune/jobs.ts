import type { Artifacts } from "#libs/artifacts";
import { backendOf, canonicalRecipe, parseRecipe, type Recipe, RecipeError, recipeKey } from "#libs/recipes";
import { aborted, cancelled, failedPrecondition, invalidArgument, notFound, type ServiceClient } from "#libs/rpc";
import type { Logger } from "#libs/telemetry";
import type { CatalogService } from "#proto/ratatouille/v1/catalog_pb.ts";
import type { TrainProgress } from "#proto/ratatouille/v1/finetune_pb.ts";
import type { JobEvent, JobRecord } from "./job.ts";
import type { Leases } from "./leases.ts";
import type { ReportStreams } from "./reports.ts";
import type { JobStore } from "./store.ts";
import type { Watchers } from "./watchers.ts";

/** Jobs and attempts, without the wire. Methods throw the RpcErrors that the proto promises. */
export type Jobs = {
  submit(request: {
    readonly recipe: string;
    readonly label: string;
    readonly runId: string;
    readonly reproduce: boolean;
  }): Promise<JobRecord>;
  begin(jobId: string, trainer: string): Promise<JobRecord>;
  /** Takes a report and renews the lease. */
  report(jobId: string, attempt: number, progress: TrainProgress | undefined): Promise<void>;
  checkpoint(jobId: string, attempt: number, checkpoint: string, step: number): Promise<void>;
  complete(jobId: string, attempt: number, artifact: string, cpuMs: number): Promise<JobRecord>;
  fail(jobId: string, attempt: number, error: string, permanent: boolean): Promise<JobRecord>;
  /** A lease was lost. */
  lost(jobId: string, attempt: number): Promise<void>;
  cancel(runId: string, ids: readonly string[]): Promise<number>;
  progressOf(jobId: string): TrainProgress | undefined;
};

/** Recipes that a trainer can run. */
const trainable: readonly Recipe["kind"][] = ["dataset", "pretrain", "probe", "fine-tune"];

type Dependencies = {
  readonly store: JobStore;
  readonly leases: Leases;
  readonly watchers: Watchers;
  readonly streams: ReportStreams;
  readonly artifacts: Artifacts;
  readonly catalog: ServiceClient<typeof CatalogService>;
  readonly log: Logger;
  readonly now: () => number;
};

/** Jobs over a store. */
export function createJobs({ store, leases, watchers, streams, artifacts, catalog, log, now }: Dependencies): Jobs {
  const progress = new Map<string, TrainProgress>();

  const apply = async (id: string, event: JobEvent): Promise<JobRecord> => {
    const change = await store.apply(id, event);
    if (!change) throw notFound(`there is no job ${id}`, { reason: "JOB_UNKNOWN" });
    const { job, changed, refused } = change;
    if (refused === "leased") throw failedPrecondition(`job ${id} is in the hands of ${job.trainer}`, { reason: "JOB_LEASED" });
    if (refused === "done") throw failedPrecondition(`job ${id} needs no work, it is ${job.state}`, { reason: "JOB_DONE" });
    if (refused === "stale") throw staleAttempt(job, "attempt" in event ? event.attempt : 0);
    if (changed) {
      watchers.changed(id);
      if (job.state !== "running") {
        leases.end(id);
        progress.delete(id);
      }
    }
    return job;
  };

  /** A checkpoint must outlive garbage collection as long as somebody may go on from it. */
  const pin = async (job: JobRecord, digest: string): Promise<void> => {
    try {
      const holder = `job/${job.id}`;
      if (digest === "") await catalog.unpin({ holder });
      else await catalog.pin({ holder, digests: [digest] });
    } catch (error) {
      log.warn({ job: job.id, error }, "the checkpoint's pin was not changed");
    }
  };

  const ended = async (job: JobRecord, hadCheckpoint: boolean): Promise<JobRecord> => {
    if (hadCheckpoint && job.state !== "queued") await pin(job, "");
    return job;
  };

  const hasCheckpoint = async (id: string) => ((await store.get(id))?.checkpoint ?? "") !== "";

  return {
    async submit({ recipe: text, label, runId, reproduce }) {
      const recipe = checkedRecipe(text);
      const key = recipeKey(recipe);
      const id = `job-${key.slice("sha256:".length, "sha256:".length + 16)}${reproduce ? `-${runId.slice(-12)}` : ""}`;
      const atMs = now();
      const job = newJob({ id, recipe, label, reproduce, atMs });
      // The catalog decides whether there is work: it may have what this service never made, or have lost what it once made.
      const known = reproduce ? undefined : await artifacts.findByRecipe(recipe);
      if (known) return { ...job, state: "succeeded", artifact: known.digest, finishedAtMs: atMs };
      const { job: submitted, changed } = await store.submit(job, runId);
      if (changed) watchers.changed(id);
      return submitted;
    },
    async begin(jobId, trainer) {
      const job = await apply(jobId, { type: "begun", trainer, atMs: now() });
      leases.renew(jobId, job.attempt);
      return job;
    },
    async report(jobId, attempt, reported) {
      const job = await store.get(jobId);
      if (!job) throw notFound(`there is no job ${jobId}`, { reason: "JOB_UNKNOWN" });
      if (job.state !== "running" || job.attempt !== attempt) throw staleAttempt(job, attempt);
      leases.renew(jobId, attempt);
      if (reported) progress.set(jobId, reported);
      watchers.changed(jobId);
    },
    async checkpoint(jobId, attempt, checkpoint, step) {
      const job = await apply(jobId, { type: "checkpointed", attempt, checkpoint, step });
      await pin(job, checkpoint);
    },
    async complete(jobId, attempt, artifact, cpuMs) {
      const had = await hasCheckpoint(jobId);
      return ended(await apply(jobId, { type: "completed", attempt, artifact, cpuMs, atMs: now() }), had);
    },
    async fail(jobId, attempt, error, permanent) {
      const had = await hasCheckpoint(jobId);
      return ended(await apply(jobId, { type: "failed", attempt, error, permanent, atMs: now() }), had);
    },
    async lost(jobId, attempt) {
      const had = await hasCheckpoint(jobId);
      const change = await store.apply(jobId, { type: "lost", attempt, atMs: now() });
      if (!change?.changed) return;
      log.warn({ job: jobId, attempt, trainer: change.job.trainer }, "a trainer was lost; its job goes to another one");
      progress.delete(jobId);
      streams.revoke(jobId, staleAttempt(change.job, attempt));
      watchers.changed(jobId);
      await ended(change.job, had);
    },
    async cancel(runId, ids) {
      let count = 0;
      for (const id of await store.release(runId, ids)) {
        const had = await hasCheckpoint(id);
        const change = await store.apply(id, { type: "cancelled", atMs: now() });
        if (!change?.changed) continue;
        count += 1;
        leases.end(id);
        progress.delete(id);
        streams.revoke(id, staleAttempt(change.job, change.job.attempt));
        watchers.changed(id);
        await ended(change.job, had);
      }
      return count;
    },
    progressOf: (jobId) => progress.get(jobId),
  };
}

function staleAttempt(job: JobRecord, attempt: number): Error {
  if (job.state === "cancelled") return cancelled(`nobody needs job ${job.id} any more`, { reason: "JOB_CANCELLED" });
  return aborted(`attempt ${attempt} of job ${job.id} is stale: the newest is ${job.attempt}, and the job is ${job.state}`, {
    reason: "ATTEMPT_STALE",
  });
}

function checkedRecipe(text: string): Recipe {
  try {
    const recipe = parseRecipe(text);
    if (!trainable.includes(recipe.kind)) throw new RecipeError("kind", `a trainer runs ${trainable.join(", ")}, not ${recipe.kind}`);
    if (recipe.arithmetic !== undefined && !backendOf(recipe.arithmetic)) {
      throw new RecipeError("arithmetic", `no backend here computes ${recipe.arithmetic}`);
    }
    return recipe;
  } catch (error) {
    if (!(error instanceof RecipeError)) throw error;
    const violations = [{ field: `recipe.${error.field}`, description: error.message }];
    throw invalidArgument(`recipe.${error.message}`, { reason: "RECIPE_INVALID", violations, cause: error });
  }
}

function newJob({
  id,
  recipe,
  label,
  reproduce,
  atMs,
}: {
  readonly id: string;
  readonly recipe: Recipe;
  readonly label: string;
  readonly reproduce: boolean;
  readonly atMs: number;
}): JobRecord {
  return {
    id,
    recipeKey: recipeKey(recipe),
    recipe: canonicalRecipe(recipe),
    device: "cpu",
    label,
    reproduce,
    state: "queued",
    attempt: 0,
    failures: 0,
    losses: 0,
    trainer: "",
    checkpoint: "",
    checkpointStep: 0,
    artifact: "",
    error: "",
    submittedAtMs: atMs,
    startedAtMs: 0,
    finishedAtMs: 0,
    cpuMs: 0,
  };
}
