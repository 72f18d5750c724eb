import { createArtifacts } from "#libs/artifacts";
import { canonicalRecipe, type Digest, type Recipe } from "#libs/recipes";
import { allPages, type RpcChannel } from "#libs/rpc";
import { waitFor } from "#libs/testing";
import { FinetuneService, type Job, JobState, type Trainer } from "#proto/ratatouille/v1/finetune_pb.ts";
import { nameOf } from "../faults/holdings.ts";

/** What a job needs of its trainer, where that is said. */
type Asking = { readonly needs?: { readonly device: string; readonly backend: string; readonly network: string } };

/** Jobs of a system, as a run sees them; all of it goes on while the system is away. */
export type Jobs = ReturnType<typeof createJobs>;

const OVER: readonly JobState[] = [JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED];

/** Whether a job has ended. */
export function isOver({ state }: Job): boolean {
  return OVER.includes(state);
}

/** Submits, cancels and looks at jobs. */
export function createJobs(channel: RpcChannel) {
  const finetune = channel.client(FinetuneService);
  const artifacts = createArtifacts(channel);
  const get = async (id: string): Promise<Job> => (await finetune.getJob({ id })).job!;
  /** Waits until a job is as it should be. */
  const until = (id: string, isSo: (job: Job) => boolean, what: string, timeoutMs = 60_000): Promise<Job> => {
    let seen: Job | undefined;
    const look = async () => {
      seen = await get(id);
      return isSo(seen) && seen;
    };
    return waitFor(look, { timeoutMs, intervalMs: 50, what }).catch((cause: unknown) => {
      const state = seen ? `; the job is ${describeJob(seen)}` : "";
      throw new Error(`waited ${timeoutMs / 1000} s in vain for ${what}${state}`, { cause: (cause as Error).cause });
    });
  };
  const submit = async (
    recipe: Recipe,
    { needs }: Asking,
    options: { readonly runId?: string; readonly reproduce?: boolean; readonly network?: string } = {},
  ): Promise<Job> => {
    const { network, ...rest } = options;
    const request = {
      recipe: canonicalRecipe(recipe),
      label: `conformance: ${recipe.kind}`,
      runId: "conformance",
      needs: { ...needs, ...(network ? { network } : {}) },
      ...rest,
    };
    return (await finetune.submitJob(request)).job!;
  };
  /** Waits until a job has succeeded. */
  const succeeded = async (id: string, timeoutMs?: number): Promise<Job> => {
    const job = await until(id, isOver, "the end of a job", timeoutMs);
    if (job.state === JobState.SUCCEEDED) return job;
    throw new Error(`a job that should have succeeded is ${describeJob(job)}`);
  };
  return {
    finetune,
    artifacts,
    get,
    until,
    submit,
    succeeded,
    /** Waits until a trainer reports of a step later than this one. */
    trains: async (id: string, after = 0, timeoutMs?: number): Promise<Job> => {
      const job = await until(
        id,
        (one) => isOver(one) || (one.progress?.step ?? 0) > after,
        `a report of a step after ${after}`,
        timeoutMs,
      );
      if (isOver(job)) throw new JobOver(job);
      return job;
    },
    /** Submits a recipe and gives the artifact that a trainer makes of it. */
    make: async (recipe: Recipe, task: Asking): Promise<Digest> => {
      const { id } = await submit(recipe, task);
      return (await succeeded(id)).artifact as Digest;
    },
    all: async (): Promise<Job[]> => {
      const all: Job[] = [];
      for await (const page of allPages((pageToken) => finetune.listJobs({ pageToken }))) all.push(...page.jobs);
      return all;
    },
    cancel: async (id: string): Promise<void> => void (await finetune.cancelJob({ id, reason: "conformance" })),
    /** All trainers that are there. */
    trainers: async (): Promise<Trainer[]> => {
      const all: Trainer[] = [];
      for await (const page of allPages((pageToken) => finetune.listTrainers({ pageToken }))) all.push(...page.trainers);
      return all;
    },
  };
}

/** A job has ended before the check could do to it what it wanted to do. */
class JobOver extends Error {
  override readonly name = "JobOver";
  constructor(job: Job) {
    super(`a job ended before it reported a step in the middle: it is ${describeJob(job)}`);
  }
}

/** The state of a job and what its attempts were, for people. */
export function describeJob({ state, error, waitingFor, progress, attempts }: Job): string {
  const said = [error, waitingFor].filter((text) => text !== "").join("; ");
  const at = progress ? `, at step ${progress.step} of ${progress.steps}` : "";
  return `${nameOf(JobState, state)}${said === "" ? "" : ` (${said})`}${at}, after ${attempts.length} attempts`;
}
