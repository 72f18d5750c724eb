import type { Artifacts } from "#libs/artifacts";
import { isDigest, mediaTypes, parseEnvelope, type Recipe } from "#libs/recipes";
import { Code, failedPrecondition, invalidField, isRpcError, type ServiceClient } from "#libs/rpc";
import type { Logger } from "#libs/telemetry";
import { quote } from "#libs/text";
import type { CatalogService } from "#proto/ratatouille/v1/catalog_pb.ts";
import type { TrainProgress } from "#proto/ratatouille/v1/finetune_pb.ts";
import type { AttemptRecord } from "./attempts.ts";
import { type Completed, createCompletion, isRefusal } from "./completion.ts";
import { parkedTrainer, refusal, revocation, staleAttempt, unfit, unknownJob } from "./errors.ts";
import type { HandOver } from "./hand-over/hand-over.ts";
import { createInputs, type ResolvedInput } from "./inputs.ts";
import { isLive, type JobEvent, type JobRecord, next, type Whereabouts } from "./job.ts";
import type { Leases } from "./leases.ts";
import { isUnknownNetwork } from "./needs/estimate.ts";
import { createProgress } from "./progress.ts";
import type { ReportStreams } from "./reports.ts";
import type { Pace } from "./rivals/pace.ts";
import type { Rivals } from "./rivals/rivals.ts";
import type { Change, JobStore } from "./store.ts";
import { jobOf, type Submission } from "./submission.ts";
import type { Presence } from "./trainers/presence.ts";
import { createRefusals, MOST_REFUSALS } from "./trainers/refusals.ts";
import type { Waiting } from "./trainers/waiting.ts";
import type { Watchers } from "./watchers.ts";

/** Jobs and attempts, without the wire. Methods throw the RpcErrors that the proto promises. */
export type Jobs = {
  submit(submission: Submission, signal: AbortSignal): Promise<JobRecord>;
  get(jobId: string): Promise<JobRecord>;
  /** Hands a job to a trainer. @param by.trainerId under which it has announced itself, or "" */
  begin(jobId: string, by: Beginner): Promise<Begun>;
  /** Takes a report and renews the lease. */
  report(jobId: string, attempt: number, progress: TrainProgress | undefined): Promise<void>;
  checkpoint(
    jobId: string,
    attempt: number,
    saved: { readonly checkpoint: string; readonly step: number; readonly format: string },
  ): Promise<void>;
  /** The attempt did not go on at the checkpoint that it was given. */
  skip(jobId: string, attempt: number, began: { readonly fromStep: number; readonly reason: string }): Promise<void>;
  complete(jobId: string, attempt: number, completed: Completed, cost: Cost): Promise<JobRecord>;
  fail(jobId: string, attempt: number, failure: Failure): Promise<JobRecord>;
  /** The trainer gives the job back, through no fault of it. */
  release(jobId: string, attempt: number): Promise<JobRecord>;
  /** A lease was lost; `how` completes "the last one …". */
  lost(jobId: string, attempt: number, how: string): Promise<void>;
  /** Starts anew what has failed or was cancelled. */
  retry(jobId: string): Promise<JobRecord>;
  /** Stops a job, whoever needs it. */
  cancelByHand(jobId: string, reason: string): Promise<JobRecord>;
  attempts(jobId: string): Promise<AttemptRecord[]>;
  cancel(runId: string, ids: readonly string[]): Promise<number>;
  progressOf(jobId: string): TrainProgress | undefined;
  /** Lets go of the checkpoints of jobs that have ended, where that failed before. */
  unpinEnded(): Promise<void>;
};

/** Who begins an attempt. */
export type Beginner = Whereabouts & { readonly trainer: string };
/** Why an attempt failed. `elsewhere`: for want of something that its trainer lacks. */
export type Failure = { readonly error: string; readonly permanent: boolean; readonly elsewhere: boolean };
/** A job in a trainer's hands, with its inputs. */
export type Begun = { readonly job: JobRecord; readonly inputs: readonly ResolvedInput[] };

/** What an attempt cost its trainer: see `JobRecord`. */
export type Cost = { readonly cpuMs: number; readonly usage: string };

const UNPIN_BATCH = 100;
/** A job that is given back again and again has many. */
const SHOWN_ATTEMPTS = 100;

type Dependencies = {
  readonly store: JobStore;
  readonly leases: Leases;
  readonly watchers: Watchers;
  readonly streams: ReportStreams;
  readonly waiting: Waiting;
  readonly handOver: Pick<HandOver, "observe">;
  readonly presence: Pick<Presence, "park" | "parked">;
  readonly pace: Pace;
  readonly rivals: Pick<Rivals, "mayBegin">;
  readonly artifacts: Artifacts;
  readonly catalog: ServiceClient<typeof CatalogService>;
  readonly log: Logger;
  readonly now: () => number;
};

/** Jobs over a store. */
export function createJobs({
  store,
  leases,
  watchers,
  streams,
  waiting,
  handOver,
  presence,
  pace,
  rivals,
  artifacts,
  catalog,
  log,
  now,
}: Dependencies): Jobs {
  const progress = createProgress();
  const refusals = createRefusals();
  const completing = new Map<string, Promise<JobRecord>>();
  const resolve = createInputs(artifacts);
  const finish = createCompletion({ artifacts, catalog, resolve, log });

  /** What follows from a change, after its transaction. */
  const follow = async ({ before, job, changed, ended }: Change): Promise<void> => {
    if (!changed) return;
    waiting.observe(job);
    pace.observe(job);
    handOver.observe(job);
    watchers.changed(job.id);
    for (const { number, outcome } of ended) {
      leases.end(job.id, number);
      progress.ended(job.id, number);
      pace.ended(job.id, number, outcome === "completed");
      streams.revoke(job.id, number, () => revocation(job, number));
    }
    if (isFinal(job)) refusals.forget(job.id);
    if (job.pinned && isFinal(job)) await unpin(job.id);
    else if (before.checkpointBefore !== job.checkpointBefore && before.checkpointBefore !== "")
      await letGo(job.id, before.checkpointBefore);
  };

  const apply = async (id: string, event: JobEvent): Promise<JobRecord> => {
    const change = await store.apply(id, event);
    if (!change) throw unknownJob(id);
    const { job, refused } = change;
    if (refused) throw refusal(job, refused, "attempt" in event ? event.attempt : 0);
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
      await catalog.unpin({ holder: holderOf(id), discard: true });
      await store.apply(id, { type: "unpinned" });
    } catch (error) {
      log.warn({ job: id, err: error }, "the catalog still keeps the checkpoints of a job that has ended");
    }
  };

  /** Of a checkpoint that two later ones have replaced: no attempt goes on from it any more. Where it fails, the end of the job does it. */
  const letGo = async (id: string, checkpoint: string): Promise<void> => {
    try {
      await catalog.unpin({ holder: holderOf(id), digests: [checkpoint], discard: true });
    } catch (error) {
      log.warn({ job: id, err: error }, "the catalog still keeps an earlier checkpoint of a job");
    }
  };

  /** What is in the inputs of a job, or what is wrong with them. */
  const inputsOf = async ({ recipe }: JobRecord): Promise<ResolvedInput[] | string> => {
    try {
      return await resolve(parseEnvelope(recipe));
    } catch (error) {
      if (isRpcError(error, Code.NOT_FOUND)) return `an input is not there: ${error.message}`;
      throw error;
    }
  };

  /** Bytes of the largest model that goes into a recipe; 0 where the catalog lacks it, which whoever begins finds. */
  const weightsBytes = async (recipe: Recipe): Promise<number> => {
    try {
      const layers = (await resolve(recipe)).flatMap((input) => input.artifacts.flatMap((artifact) => artifact.layers));
      return Math.max(0, ...layers.flatMap(({ mediaType, size }) => (mediaType === mediaTypes.weights ? [size] : [])));
    } catch (error) {
      if (isRpcError(error, Code.NOT_FOUND)) return 0;
      throw error;
    }
  };

  /** The id of the trainer of a running attempt; "" where that has none, or the attempt runs no more. */
  const trainerOf = async (id: string, attempt: number): Promise<string> => {
    const running = (await store.running()).find((one) => one.job.id === id && one.attempt === attempt);
    return running?.trainerId ?? "";
  };

  /**
   * What an attempt has made is not what its recipe makes. That is its trainer's fault, and counts against it: the job is for others, unless
   * three have failed at it so, or nobody else is there.
   */
  const refuse = async (job: JobRecord, attempt: number, error: string): Promise<void> => {
    const { id } = job;
    const trainer = job.live.find((one) => one.attempt === attempt)?.trainer;
    const trainerId = await trainerOf(id, attempt);
    const { park, failJob } = trainerId === "" ? { park: false, failJob: false } : refusals.add(id, trainerId);
    if (park) {
      const why = `${MOST_REFUSALS} of its results were refused; the last: ${error}`;
      presence.park(trainerId, why);
      log.error({ trainer, id: trainerId, why }, "a trainer is parked: it gets no more work until it starts again");
    }
    // Of a trainer that has not said who it is nobody knows whether others are there.
    const other = waiting.cannot(job, trainerId);
    const permanent = failJob || other === false;
    await apply(id, { type: "failed", attempt, error, permanent, elsewhere: !permanent && other === true, atMs: now() });
  };

  const complete: Jobs["complete"] = async (id, attempt, completed, cost) => {
    const job = await get(id);
    if (job.state === "succeeded" && job.artifact === completed.artifact) return job;
    if (!isLive(job, attempt)) throw staleAttempt(job, attempt);
    const artifact = await finish(job, completed).catch(async (error: unknown) => {
      if (isRefusal(error)) await refuse(job, attempt, error.message);
      throw error;
    });
    return apply(id, { type: "completed", attempt, artifact, summary: completed.summary, ...cost, atMs: now() });
  };

  return {
    async submit(submission, signal) {
      const atMs = now();
      const { recipe } = jobOf(submission, atMs);
      const { job } = jobOf(submission, atMs, isUnknownNetwork(recipe) ? await weightsBytes(recipe) : 0);
      // The catalog decides whether there is work: it may have what this service never made, or have lost what it once made.
      const seenEndedAtMs = (await store.get(job.id))?.finishedAtMs ?? 0;
      const known = job.reproduce ? undefined : await artifacts.findByRecipe(recipe, { signal });
      const event: JobEvent = known
        ? { type: "found", artifact: known.digest, atMs }
        : { type: "submitted", seenEndedAtMs, needs: job.needs, atMs };
      const first = next(job, event);
      const change = await store.submit("job" in first ? first.job : job, submission.runId, event);
      await follow(change);
      watchers.changed(job.id); // also where only the run is new
      return change.job;
    },
    get,
    async begin(id, { trainer, ...where }) {
      const parked = presence.parked(where.trainerId);
      if (parked !== "") throw parkedTrainer(trainer, parked);
      const offered = await get(id);
      const rival = offered.state === "running" && rivals.mayBegin(id, where.trainerId);
      const begun = { type: "begun", trainer, where, rival, atMs: now() } as const;
      // Refused, and why it is.
      if (offered.state !== "queued" && !rival) return { job: await apply(id, begun), inputs: [] };
      const lack = waiting.lackOf(offered, where.trainerId);
      if (lack !== undefined) throw unfit(offered, trainer, lack);
      if (offered.state === "queued" && offered.attempt > 0 && !offered.reproduce) {
        // An attempt that was lost may have published before it could say so.
        const known = await artifacts.findByRecipe(parseEnvelope(offered.recipe));
        if (known) await apply(id, { type: "found", artifact: known.digest, atMs: now() });
      }
      const inputs = await inputsOf(offered);
      const job = await apply(id, begun);
      if (typeof inputs === "string") {
        await apply(id, { type: "failed", attempt: job.attempt, error: inputs, permanent: false, atMs: now() });
        throw failedPrecondition(`job ${id}: ${inputs}`, { reason: "INPUT_MISSING" });
      }
      leases.renew(id, job.attempt);
      pace.began(job, job.attempt, where.trainerId);
      if (rival) log.info({ job: id, trainer, beside: offered.trainer }, "a job that runs on a slow trainer is begun by another one too");
      return { job, inputs };
    },
    async report(id, attempt, reported) {
      const job = await get(id);
      if (!isLive(job, attempt)) throw revocation(job, attempt);
      leases.renew(id, attempt);
      if (reported) {
        progress.reported(id, attempt, reported);
        pace.reported(id, attempt, reported);
      }
      watchers.changed(id);
    },
    async checkpoint(id, attempt, { checkpoint, step, format }) {
      if (!isDigest(checkpoint)) throw invalidField("checkpoint", `${quote(checkpoint)} is no digest`);
      const job = await get(id);
      if (!isLive(job, attempt)) throw staleAttempt(job, attempt);
      if (job.checkpoint !== "" && step <= job.checkpointStep) return; // a retry that comes late: the newer one stays
      // First kept, then told of: what an attempt goes on from is there.
      await catalog.pin({ holder: holderOf(id), digests: [checkpoint] });
      try {
        await apply(id, { type: "checkpointed", attempt, checkpoint, step, format });
      } catch (error) {
        if (isFinal(await get(id))) await unpin(id);
        throw error;
      }
    },
    async skip(id, attempt, began) {
      const job = await get(id);
      if (!isLive(job, attempt)) throw staleAttempt(job, attempt);
      await store.skipped(id, attempt, began);
      watchers.changed(id);
    },
    complete(id, attempt, completed, cost) {
      // To look at large results takes longer than some wait for an answer: who asks again gets that of the first call.
      const key = JSON.stringify([id, attempt, completed]);
      const answer = completing.get(key) ?? complete(id, attempt, completed, cost).finally(() => completing.delete(key));
      completing.set(key, answer);
      return answer;
    },
    async fail(id, attempt, { error, permanent, elsewhere }) {
      const other = elsewhere ? waiting.cannot(await get(id), await trainerOf(id, attempt)) : undefined;
      const how = other === undefined ? { permanent } : { permanent: permanent || !other, elsewhere: other && !permanent };
      return apply(id, { type: "failed", attempt, error, ...how, atMs: now() });
    },
    release: (id, attempt) => apply(id, { type: "released", attempt }),
    async lost(id, attempt, how) {
      const change = await store.apply(id, { type: "lost", attempt, how, atMs: now() });
      if (!change?.changed) return; // it has ended meanwhile
      const trainer = change.before.live.find((one) => one.attempt === attempt)?.trainer;
      log.warn({ job: id, attempt, trainer, how }, "a trainer was lost; its job goes to another one");
      await follow(change);
    },
    async cancel(runId, ids) {
      let count = 0;
      for (const id of await store.release(runId, ids)) {
        const change = await store.apply(id, { type: "cancelled", reason: "", atMs: now() });
        if (!change?.changed) continue;
        count += 1;
        await follow(change);
      }
      return count;
    },
    retry: (id) => apply(id, { type: "retried", atMs: now() }),
    cancelByHand(id, reason) {
      const said = reason.trim();
      return apply(id, { type: "cancelled", reason: said === "" ? "cancelled by hand" : `cancelled by hand: ${said}`, atMs: now() });
    },
    async attempts(id) {
      return store.attempts(id, SHOWN_ATTEMPTS);
    },
    progressOf: (id) => progress.of(id),
    async unpinEnded() {
      for (const id of await store.endedAndPinned(UNPIN_BATCH)) await unpin(id);
    },
  };
}

function isFinal({ state }: JobRecord): boolean {
  return state === "succeeded" || state === "failed" || state === "cancelled";
}

function holderOf(id: string): string {
  return `job/${id}`;
}
