import type { Artifacts } from "#libs/artifacts";
import { backendOf, canonicalRecipe, digestOf, isDigest, parseRecipe, type Recipe, RecipeError, recipeKey } from "#libs/recipes";
import { aborted, Code, cancelled, failedPrecondition, invalidArgument, isRpcError, notFound, type ServiceClient } from "#libs/rpc";
import type { Logger } from "#libs/telemetry";
import type { CatalogService } from "#proto/ratatouille/v1/catalog_pb.ts";
import type { TrainProgress } from "#proto/ratatouille/v1/finetune_pb.ts";
import { type JobEvent, type JobRecord, next } from "./job.ts";
import type { Leases } from "./leases.ts";
import type { ReportStreams } from "./reports.ts";
import type { Change, JobStore } from "./store.ts";
import type { Watchers } from "./watchers.ts";

/** What a run asks for. */
export type Submission = {
  readonly recipe: string;
  readonly label: string;
  readonly runId: string;
  readonly reproduce: boolean;
};

/** Jobs and attempts, without the wire. Methods throw the RpcErrors that the proto promises. */
export type Jobs = {
  submit(submission: Submission, signal: AbortSignal): Promise<JobRecord>;
  get(jobId: string): Promise<JobRecord>;
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
  /** Lets go of the checkpoints of jobs that have ended, where that failed before. */
  unpinEnded(): Promise<void>;
};

const UNPIN_BATCH = 100;

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

  /** What follows from a change, after its transaction. */
  const follow = async ({ before, job, changed }: Change): Promise<void> => {
    if (!changed) return;
    watchers.changed(job.id);
    if (before.state === "running" && job.state !== "running") {
      leases.end(job.id, before.attempt);
      progress.delete(job.id);
      streams.revoke(job.id, before.attempt, revocation(job, before.attempt));
    }
    if (job.pinned && isFinal(job)) await unpin(job.id);
  };

  const apply = async (id: string, event: JobEvent): Promise<JobRecord> => {
    const change = await store.apply(id, event);
    if (!change) throw unknownJob(id);
    const { job, refused } = change;
    if (refused === "leased") throw failedPrecondition(`job ${id} is in the hands of ${job.trainer}`, { reason: "JOB_LEASED" });
    if (refused === "done") throw failedPrecondition(`job ${id} needs no work, it is ${job.state}`, { reason: "JOB_DONE" });
    if (refused === "stale") throw staleAttempt(job, "attempt" in event ? event.attempt : 0);
    await follow(change);
    return job;
  };

  const get = async (id: string): Promise<JobRecord> => {
    const job = await store.get(id);
    if (!job) throw unknownJob(id);
    return job;
  };

  /** Where it fails, the sweep tries again. */
  const unpin = async (id: string): Promise<void> => {
    try {
      await catalog.unpin({ holder: holderOf(id) });
      await store.apply(id, { type: "unpinned" });
    } catch (error) {
      log.warn({ job: id, err: error }, "the catalog still keeps the checkpoints of a job that has ended");
    }
  };

  /** The artifact must be there, and of this recipe. A reproduction is only compared: what it made is not published. */
  const checkArtifact = async (job: JobRecord, digest: string): Promise<void> => {
    if (!isDigest(digest)) throw invalidField("artifact", `"${digest}" is no digest`);
    if (job.reproduce) return;
    const artifact = await artifacts.get(digest).catch((error: unknown) => {
      if (!isRpcError(error, Code.NOT_FOUND)) throw error;
      throw failedPrecondition(`artifact ${digest} is not in the catalog`, { reason: "ARTIFACT_MISSING", cause: error });
    });
    if (artifact.recipeKey === job.recipeKey) return;
    throw failedPrecondition(`artifact ${digest} is of another recipe than job ${job.id}`, { reason: "ARTIFACT_OF_OTHER_RECIPE" });
  };

  return {
    async submit({ recipe: text, label, runId, reproduce }, signal) {
      const recipe = checkedRecipe(text);
      const atMs = now();
      const job = newJob({ id: jobId(recipe, reproduce ? runId : undefined), recipe, label, reproduce, atMs });
      // The catalog decides whether there is work: it may have what this service never made, or have lost what it once made.
      const known = reproduce ? undefined : await artifacts.findByRecipe(recipe, { signal });
      const event: JobEvent = known ? { type: "found", artifact: known.digest, atMs } : { type: "submitted", atMs };
      const first = next(job, event);
      const change = await store.submit("job" in first ? first.job : job, runId, event);
      await follow(change);
      watchers.changed(job.id); // also where only the run is new
      return change.job;
    },
    get,
    async begin(id, trainer) {
      const waiting = await get(id);
      if (waiting.state === "queued" && waiting.attempt > 0 && !waiting.reproduce) {
        // An attempt that was lost may have published before it could say so.
        const known = await artifacts.findByRecipe(parseRecipe(waiting.recipe));
        if (known) await apply(id, { type: "found", artifact: known.digest, atMs: now() });
      }
      const job = await apply(id, { type: "begun", trainer, atMs: now() });
      leases.renew(id, job.attempt);
      return job;
    },
    async report(id, attempt, reported) {
      const job = await get(id);
      if (job.state !== "running" || job.attempt !== attempt) throw revocation(job, attempt);
      leases.renew(id, attempt);
      if (reported) progress.set(id, reported);
      watchers.changed(id);
    },
    async checkpoint(id, attempt, checkpoint, step) {
      if (!isDigest(checkpoint)) throw invalidField("checkpoint", `"${checkpoint}" is no digest`);
      const job = await get(id);
      if (job.state !== "running" || job.attempt !== attempt) throw staleAttempt(job, attempt);
      // First kept, then told of: what an attempt goes on from is there.
      await catalog.pin({ holder: holderOf(id), digests: [checkpoint] });
      try {
        await apply(id, { type: "checkpointed", attempt, checkpoint, step });
      } catch (error) {
        if (isFinal(await get(id))) await unpin(id);
        throw error;
      }
    },
    async complete(id, attempt, artifact, cpuMs) {
      const job = await get(id);
      if (job.attempt !== attempt) throw staleAttempt(job, attempt);
      await checkArtifact(job, artifact);
      return apply(id, { type: "completed", attempt, artifact, cpuMs, atMs: now() });
    },
    fail: (id, attempt, error, permanent) => apply(id, { type: "failed", attempt, error, permanent, atMs: now() }),
    async lost(id, attempt) {
      const change = await store.apply(id, { type: "lost", attempt, atMs: now() });
      if (!change?.changed) return;
      log.warn({ job: id, attempt, trainer: change.job.trainer }, "a trainer was lost; its job goes to another one");
      await follow(change);
    },
    async cancel(runId, ids) {
      let count = 0;
      for (const id of await store.release(runId, ids)) {
        const change = await store.apply(id, { type: "cancelled", atMs: now() });
        if (!change?.changed) continue;
        count += 1;
        await follow(change);
      }
      return count;
    },
    progressOf: (id) => progress.get(id),
    async unpinEnded() {
      for (const id of await store.endedAndPinned(UNPIN_BATCH)) await unpin(id);
    },
  };
}

function isFinal({ state }: JobRecord): boolean {
  return state === "succeeded" || state === "failed" || state === "cancelled";
}

/** A reproduction is a job of its own for each run that wants one. */
function jobId(recipe: Recipe, reproducedFor: string | undefined): string {
  const short = (digest: string, digits: number) => digest.slice("sha256:".length, "sha256:".length + digits);
  const id = `job-${short(recipeKey(recipe), 16)}`;
  return reproducedFor === undefined ? id : `${id}-r${short(digestOf(new TextEncoder().encode(reproducedFor)), 8)}`;
}

function holderOf(id: string): string {
  return `job/${id}`;
}

function unknownJob(id: string): Error {
  return notFound(`there is no job "${id}"`, { reason: "JOB_UNKNOWN" });
}

function staleAttempt(job: JobRecord, attempt: number): Error {
  const message = `attempt ${attempt} of job ${job.id} is stale: the newest is ${job.attempt}, and the job is ${job.state}`;
  return aborted(message, { reason: "ATTEMPT_STALE" });
}

/** How the progress stream of an attempt ends that does not have its job any more. */
function revocation(job: JobRecord, attempt: number): Error {
  if (job.state === "cancelled") return cancelled(`nobody needs job ${job.id} any more`, { reason: "JOB_CANCELLED" });
  return staleAttempt(job, attempt);
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

function invalidField(field: string, description: string): Error {
  return invalidArgument(`${field}: ${description}`, { violations: [{ field, description }] });
}

type NewJob = Pick<JobRecord, "id" | "label" | "reproduce"> & { readonly recipe: Recipe; readonly atMs: number };

function newJob({ id, recipe, label, reproduce, atMs }: NewJob): JobRecord {
  const nothingYet = {
    trainer: "",
    checkpoint: "",
    checkpointStep: 0,
    pinned: false,
    artifact: "",
    error: "",
    startedAtMs: 0,
    finishedAtMs: 0,
    cpuMs: 0,
  };
  return {
    id,
    recipeKey: recipeKey(recipe),
    recipe: canonicalRecipe(recipe),
    // Both backends that recipes can ask for run on a CPU.
    device: "cpu",
    label,
    reproduce,
    state: "queued",
    attempt: 0,
    failures: 0,
    losses: 0,
    submittedAtMs: atMs,
    ...nothingYet,
  };
}
