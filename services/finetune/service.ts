import { setTimeout as sleep } from "node:timers/promises";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { abortable } from "#libs/concurrency";
import { annotations } from "#libs/recipes";
import {
  Code,
  type Implementation,
  invalidField,
  isRpcError,
  PAGE_SIZE,
  pageToken,
  parseAmount,
  parsePageSize,
  parsePageToken,
  parseText,
} from "#libs/rpc";
import { excerpt } from "#libs/text";
import type { Device, Needs } from "#libs/topics";
import {
  AttemptOutcome,
  type AttemptSchema,
  type FinetuneService,
  type JobInputSchema,
  type JobNeeds,
  type JobSchema,
  JobState,
} from "#proto/ratatouille/v1/finetune_pb.ts";
import type { AttemptRecord } from "./attempts.ts";
import { CONTRACT, checkContract } from "./contract.ts";
import type { HandOver } from "./hand-over/hand-over.ts";
import type { ResolvedInput } from "./inputs.ts";
import type { JobRecord, JobStateName } from "./job.ts";
import type { Jobs } from "./jobs.ts";
import type { Leases } from "./leases.ts";
import type { ReportStream, ReportStreams } from "./reports.ts";
import type { JobStore } from "./store.ts";
import type { Presence } from "./trainers/presence.ts";
import type { Waiting } from "./trainers/waiting.ts";
import { parseEnvironment, parseTrainer, toTrainer, trainerNamed } from "./trainers/wire.ts";
import { usageField, usageText } from "./usage.ts";
import type { Watchers } from "./watchers.ts";

const WATCH_INTERVAL_MS = 250;
/** How long an attempt may be without a progress stream, from when that ends. The death of a trainer shows as such an end. */
const STREAM_GRACE_MS = 1500;
/** How long a trainer waits for a job, in seconds: at most, and where it does not say. */
const LONGEST_WAIT_S = 60;
const USUAL_WAIT_S = 20;
/** Characters of a name, a label or a reason. */
const LONGEST_TEXT = 1000;
/** Characters of what steps are called. */
const LONGEST_UNIT = 100;
/** Characters of the name of a checkpoint's format. */
const LONGEST_FORMAT = 100;
/** Characters of an error: a page of jobs with such fits into a message, and so does an event. */
const LONGEST_ERROR = 2000;

const states: { readonly [S in JobStateName]: JobState } = {
  queued: JobState.QUEUED,
  running: JobState.RUNNING,
  succeeded: JobState.SUCCEEDED,
  failed: JobState.FAILED,
  cancelled: JobState.CANCELLED,
};
const outcomes: { readonly [O in AttemptRecord["outcome"]]: AttemptOutcome } = {
  "": AttemptOutcome.UNSPECIFIED,
  completed: AttemptOutcome.COMPLETED,
  failed: AttemptOutcome.FAILED,
  lost: AttemptOutcome.LOST,
  released: AttemptOutcome.RELEASED,
  cancelled: AttemptOutcome.CANCELLED,
  overtaken: AttemptOutcome.OVERTAKEN,
};
const stateNames = new Map(Object.entries(states).map(([name, state]) => [state, name as JobStateName]));

/** What is told of a job in some answers only. */
type More = { readonly withRecipe?: boolean; readonly attempts?: readonly AttemptRecord[] };

/** FinetuneService over jobs. `leaseSeconds` is what BeginAttempt promises, `presenceSeconds` what AnnounceTrainer does. */
export function createFinetuneService({
  jobs,
  store,
  leases,
  streams,
  watchers,
  presence,
  waiting,
  handOver,
  leaseSeconds,
  presenceSeconds,
}: {
  readonly jobs: Jobs;
  readonly store: JobStore;
  readonly leases: Leases;
  readonly streams: ReportStreams;
  readonly watchers: Watchers;
  readonly presence: Presence;
  readonly waiting: Waiting;
  readonly handOver: HandOver;
  readonly leaseSeconds: number;
  readonly presenceSeconds: number;
}): Implementation<typeof FinetuneService> {
  const toJob = (job: JobRecord, { withRecipe = true, attempts = [] }: More = {}): MessageInitShape<typeof JobSchema> => {
    const progress = jobs.progressOf(job.id);
    return {
      id: job.id,
      recipeKey: job.recipeKey,
      recipe: withRecipe ? job.recipe : "",
      state: states[job.state],
      label: job.label,
      attempt: job.attempt,
      trainer: job.trainer,
      artifact: job.artifact,
      summary: job.summary,
      error: job.error,
      submittedAtMs: BigInt(job.submittedAtMs),
      startedAtMs: BigInt(job.startedAtMs),
      finishedAtMs: BigInt(job.finishedAtMs),
      cpuMs: BigInt(job.cpuMs),
      ...usageField(job.usage),
      needs: { ...job.needs, backends: [...job.needs.backends] },
      attempts: attempts.map(toAttempt),
      waitingFor: waiting.of(job),
      ...(progress ? { progress } : {}),
    };
  };
  /** What runs on each trainer, by its id. */
  const runningJobs = async () => {
    const work = new Map<string, MessageInitShape<typeof JobSchema>[]>();
    for (const { job, trainerId } of await store.running())
      work.set(trainerId, [...(work.get(trainerId) ?? []), toJob(job, { withRecipe: false })]);
    return work;
  };
  return {
    async submitJob({ recipe, label, runId, reproduce, needs }, { signal }) {
      parseText("run_id", runId, LONGEST_TEXT);
      optional("label", label);
      return { job: toJob(await jobs.submit({ recipe, label, runId, reproduce, needs: askedOf(needs) }, signal)) };
    },
    async getJob({ id }) {
      const job = await jobs.get(id);
      return { job: toJob(job, { attempts: await jobs.attempts(id) }) };
    },
    async listJobs({ runId, states: wanted, pageSize, pageToken: from }) {
      if (runId !== "") parseText("run_id", runId, LONGEST_TEXT);
      const size = parsePageSize(pageSize);
      const list = JSON.stringify(["jobs", runId, wanted]);
      const after = parsePageToken(list, from, "number") ?? 0;
      const names = wanted.map((state, index) => {
        const name = stateNames.get(state);
        if (!name) throw invalidField(`states[${index}]`, `${state} is no state of a job`);
        return name;
      });
      const filter = { ...(runId === "" ? {} : { runId }), ...(wanted.length === 0 ? {} : { states: names }) };
      const page = await store.list(filter, size, after);
      const last = page.at(-1);
      return { jobs: page.map(({ job }) => toJob(job)), nextPageToken: pageToken(list, page.length === size ? last?.position : undefined) };
    },
    async *watchJobs({ runId }, { signal }) {
      if (runId !== "") parseText("run_id", runId, LONGEST_TEXT);
      using watcher = watchers.watch();
      for (let after = 0; ; ) {
        const page = await store.list(runId === "" ? {} : { runId }, PAGE_SIZE.most, after);
        const last = page.at(-1);
        const current = page.length < PAGE_SIZE.most;
        yield { jobs: page.map(({ job }) => toJob(job, { withRecipe: false })), current };
        if (current || !last) break;
        after = last.position;
      }
      for (;;) {
        const ids = await watcher.take(signal);
        signal.throwIfAborted();
        for (let start = 0; start < ids.length; start += PAGE_SIZE.most) {
          const changed = await store.some(ids.slice(start, start + PAGE_SIZE.most), runId === "" ? undefined : runId);
          if (changed.length > 0) yield { jobs: changed.map((job) => toJob(job, { withRecipe: false })), current: true };
        }
        await sleep(WATCH_INTERVAL_MS, undefined, { signal });
      }
    },
    async retryJob({ id }) {
      return { job: toJob(await jobs.retry(id)) };
    },
    async cancelJob({ id, reason }) {
      optional("reason", reason);
      return { job: toJob(await jobs.cancelByHand(id, reason)) };
    },
    async cancelJobs({ runId, jobIds }) {
      parseText("run_id", runId, LONGEST_TEXT);
      for (const [i, id] of jobIds.entries()) parseText(`job_ids[${i}]`, id, LONGEST_TEXT);
      return { cancelled: await jobs.cancel(runId, jobIds) };
    },
    async announceTrainer({ trainer, leaves, contract }) {
      checkContract(contract);
      const announced = parseTrainer(trainer);
      if (leaves) presence.leave(announced.id);
      else presence.announce(announced);
      return { leaseSeconds: presenceSeconds, contract: CONTRACT };
    },
    async listTrainers({ pageSize, pageToken: from }) {
      const size = parsePageSize(pageSize);
      const start = parsePageToken("trainers", from, "number") ?? 0;
      const all = presence.list();
      const work = await runningJobs();
      const trainers = all.slice(start, start + size).map((trainer) => toTrainer(trainer, work.get(trainer.id) ?? []));
      return { trainers, nextPageToken: pageToken("trainers", start + size < all.length ? start + size : undefined) };
    },
    async getTrainer({ name }) {
      const trainer = trainerNamed(presence.list(), name);
      return { trainer: toTrainer(trainer, (await runningJobs()).get(trainer.id) ?? []) };
    },
    async takeJob({ trainerId, waitSeconds }, { signal }) {
      parseText("trainer_id", trainerId, LONGEST_TEXT);
      if (waitSeconds > LONGEST_WAIT_S) throw invalidField("wait_seconds", `expected at most ${LONGEST_WAIT_S}, got ${waitSeconds}`);
      return (await handOver.take(trainerId, (waitSeconds || USUAL_WAIT_S) * 1000, signal)) ?? {};
    },
    async beginAttempt({ jobId, trainer, trainerId, environment }) {
      parseText("trainer", trainer, LONGEST_TEXT);
      const by = { trainer, trainerId, environment: parseEnvironment("environment", environment) };
      const { job, inputs } = await jobs.begin(jobId, by).catch((error: unknown) => {
        if (isRpcError(error, Code.FAILED_PRECONDITION, "JOB_UNFIT")) handOver.refuse(jobId, trainerId);
        throw error;
      });
      const backend = waiting.engineFor(job, trainerId);
      return {
        job: toJob(backend === undefined ? job : { ...job, needs: { ...job.needs, backend } }),
        attempt: job.attempt,
        leaseSeconds,
        checkpoint: job.checkpoint,
        checkpointFormat: job.checkpointFormat,
        checkpointStep: job.checkpointStep,
        earlierCheckpoint: job.checkpointBefore,
        reproduce: job.reproduce,
        inputs: inputs.map(toInput),
      };
    },
    async reportProgress(requests) {
      const reports = requests[Symbol.asyncIterator]();
      const revoked = new AbortController();
      let own: { readonly jobId: string; readonly attempt: number; readonly stream: ReportStream } | undefined;
      try {
        for (;;) {
          const report = await abortable(reports.next(), revoked.signal);
          if (report.done) return {};
          const { jobId, attempt, progress } = report.value;
          if (own && (own.jobId !== jobId || own.attempt !== attempt)) throw invalidField("job_id", "a stream reports on one attempt");
          if (progress !== undefined && progress.unit !== "") parseText("progress.unit", progress.unit, LONGEST_UNIT);
          await jobs.report(jobId, attempt, progress);
          if (own) continue;
          own = { jobId, attempt, stream: streams.open(jobId, attempt, (reason) => revoked.abort(reason)) };
          // Again, in case that the attempt lost its job in between.
          await jobs.report(jobId, attempt, progress);
        }
      } finally {
        // Broken or ended, which a server cannot always tell apart: a trainer that lives opens another one at once.
        if (own?.stream.close()) leases.shorten(own.jobId, own.attempt, STREAM_GRACE_MS);
      }
    },
    async saveCheckpoint({ jobId, attempt, ...saved }) {
      if (saved.format !== "") parseText("format", saved.format, LONGEST_FORMAT);
      await jobs.checkpoint(jobId, attempt, saved);
      return {};
    },
    async skipCheckpoint({ jobId, attempt, fromStep, reason }) {
      await jobs.skip(jobId, attempt, { fromStep, reason: excerpt(reason, LONGEST_ERROR) });
      return {};
    },
    async completeAttempt({ jobId, attempt, artifact, outputs, summary, curve, cpuMs, usage }) {
      const made = {
        artifact,
        summary,
        curve,
        outputs: outputs.map(({ role, digest, sizeBytes }, i) => ({
          role,
          digest,
          size: parseAmount(`outputs[${i}].size_bytes`, sizeBytes),
        })),
      };
      const cost = { cpuMs: parseAmount("cpu_ms", cpuMs), usage: usageText(usage) };
      return { job: toJob(await jobs.complete(jobId, attempt, made, cost)) };
    },
    async releaseAttempt({ jobId, attempt }) {
      await jobs.release(jobId, attempt);
      return {};
    },
    async failAttempt({ jobId, attempt, error, permanent, elsewhere }) {
      return { job: toJob(await jobs.fail(jobId, attempt, { error: excerpt(error, LONGEST_ERROR), permanent, elsewhere })) };
    },
  };
}

/** What a submission says of its needs; empty and 0 say nothing. */
function askedOf(needs: JobNeeds | undefined): Partial<Needs> {
  const { device, backend, backends = [], memoryMib, network, acceleratorMemoryMib } = needs ?? {};
  return {
    ...(device ? { device: device as Device } : {}),
    ...(backend ? { backend } : {}),
    ...(backends.length > 0 ? { backends } : {}),
    ...(memoryMib ? { memoryMib } : {}),
    ...(network ? { network } : {}),
    ...(acceleratorMemoryMib ? { acceleratorMemoryMib } : {}),
  };
}

function toInput({ role, artifacts }: ResolvedInput): MessageInitShape<typeof JobInputSchema> {
  return {
    role,
    artifacts: artifacts.map(({ digest, kind, layers, licences }) => ({
      digest,
      kind,
      licences: [...licences],
      layers: layers.map((layer) => ({
        digest: layer.digest,
        mediaType: layer.mediaType,
        sizeBytes: BigInt(layer.size),
        title: layer.annotations?.[annotations.title] ?? "",
      })),
    })),
  };
}

function toAttempt({ beganAtMs, endedAtMs, outcome, ...same }: AttemptRecord): MessageInitShape<typeof AttemptSchema> {
  return { ...same, beganAtMs: BigInt(beganAtMs), endedAtMs: BigInt(endedAtMs), outcome: outcomes[outcome] };
}

function optional(field: string, value: string): void {
  if (value !== "") parseText(field, value, LONGEST_TEXT);
}
