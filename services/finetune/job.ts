/** Where a job is. The last three are final, until somebody submits the job again whose artifact the catalog does not have. */
export type JobStateName = "queued" | "running" | "succeeded" | "failed" | "cancelled";

/** A job as it is stored. Times are milliseconds since 1970, 0 for "not yet"; digests are empty while there is none. */
export type JobRecord = {
  readonly id: string;
  readonly recipeKey: string;
  readonly recipe: string;
  readonly device: string;
  readonly label: string;
  readonly reproduce: boolean;
  readonly state: JobStateName;
  /** Attempts begun so far. It only grows: it is the fencing token. */
  readonly attempt: number;
  /** Attempts since the submission that failed, and those whose trainer was lost. */
  readonly failures: number;
  readonly losses: number;
  readonly trainer: string;
  readonly checkpoint: string;
  readonly checkpointStep: number;
  readonly artifact: string;
  readonly error: string;
  readonly submittedAtMs: number;
  readonly startedAtMs: number;
  readonly finishedAtMs: number;
  readonly cpuMs: number;
};

/** What happens to a job. */
export type JobEvent =
  /** The catalog has no artifact of the job's recipe: where the job has ended, it starts anew. */
  | { readonly type: "submitted"; readonly atMs: number }
  | { readonly type: "begun"; readonly trainer: string; readonly atMs: number }
  | { readonly type: "lost"; readonly attempt: number; readonly atMs: number }
  | { readonly type: "checkpointed"; readonly attempt: number; readonly checkpoint: string; readonly step: number }
  | { readonly type: "completed"; readonly attempt: number; readonly artifact: string; readonly cpuMs: number; readonly atMs: number }
  | { readonly type: "failed"; readonly attempt: number; readonly error: string; readonly permanent: boolean; readonly atMs: number }
  | { readonly type: "cancelled"; readonly atMs: number };

/** Why an event does not apply. */
export type Refusal = "stale" | "done" | "leased";

export type Transition = { readonly job: JobRecord } | { readonly refused: Refusal };

/** Attempts that may fail before the job does. */
export const MAX_FAILURES = 3;
/** Trainers that may be lost before the job is taken for what kills them. */
export const MAX_LOSSES = 20;

/**
 * The state machine of a job: the job after an event, or why the event does not apply. Pure; an event that does not apply changes nothing.
 * Only the newest attempt of a running job may checkpoint, complete or fail.
 */
export function next(job: JobRecord, event: JobEvent): Transition {
  switch (event.type) {
    case "submitted":
      return { job: job.state === "queued" || job.state === "running" ? job : requeued(job, event.atMs) };
    case "begun":
      if (job.state === "running") return { refused: "leased" };
      if (job.state !== "queued") return { refused: "done" };
      return { job: { ...job, state: "running", attempt: job.attempt + 1, trainer: event.trainer, startedAtMs: event.atMs } };
    case "cancelled":
      return { job: job.state === "queued" || job.state === "running" ? ended(job, "cancelled", event.atMs) : job };
    default:
      // A completion that is told twice, because the answer to the first was lost, is one.
      if (event.type === "completed" && job.state === "succeeded" && event.attempt === job.attempt) return { job };
      if (job.state !== "running" || event.attempt !== job.attempt) return { refused: "stale" };
      return { job: advance(job, event) };
  }
}

type AttemptEvent = Exclude<JobEvent, { type: "submitted" | "begun" | "cancelled" }>;

function advance(job: JobRecord, event: AttemptEvent): JobRecord {
  switch (event.type) {
    case "checkpointed":
      return { ...job, checkpoint: event.checkpoint, checkpointStep: event.step };
    case "completed":
      return { ...ended(job, "succeeded", event.atMs), artifact: event.artifact, cpuMs: event.cpuMs, error: "" };
    case "lost": {
      const losses = job.losses + 1;
      if (losses < MAX_LOSSES) return { ...job, state: "queued", losses };
      return { ...ended(job, "failed", event.atMs), losses, error: `${losses} trainers were lost while they ran this job` };
    }
    case "failed": {
      const failures = job.failures + 1;
      if (!event.permanent && failures < MAX_FAILURES) return { ...job, state: "queued", failures, error: event.error };
      return { ...ended(job, "failed", event.atMs), failures, error: event.error };
    }
  }
}

function requeued(job: JobRecord, atMs: number): JobRecord {
  return {
    ...job,
    state: "queued",
    failures: 0,
    losses: 0,
    error: "",
    artifact: "",
    trainer: "",
    submittedAtMs: atMs,
    startedAtMs: 0,
    finishedAtMs: 0,
  };
}

function ended(job: JobRecord, state: "succeeded" | "failed" | "cancelled", atMs: number): JobRecord {
  return { ...job, state, finishedAtMs: atMs, checkpoint: "", checkpointStep: 0 };
}
