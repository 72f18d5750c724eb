import { isDeepStrictEqual } from "node:util";
import type { Needs } from "#libs/topics";

/** Where a job is. The last three are final, until somebody submits the job again whose artifact the catalog does not have. */
export type JobStateName = "queued" | "running" | "succeeded" | "failed" | "cancelled";

/** A job as it is stored. Times are milliseconds since 1970, 0 for "not yet"; digests are empty while there is none. */
export type JobRecord = {
  readonly id: string;
  readonly recipeKey: string;
  readonly recipe: string;
  /** What a trainer must have. */
  readonly needs: Needs;
  readonly label: string;
  readonly reproduce: boolean;
  readonly state: JobStateName;
  /** Attempts begun so far. It only grows: it is the fencing token. */
  readonly attempt: number;
  /** The attempts that run, oldest first: one, or a second that is to be faster than it; none where the job does not run. */
  readonly live: readonly LiveAttempt[];
  /** Attempts that failed, and those whose trainer was lost, since the submission or since a checkpoint last showed progress. */
  readonly failures: number;
  readonly losses: number;
  /** Of the newest attempt that runs, or ran last. */
  readonly trainer: string;
  readonly checkpoint: string;
  readonly checkpointStep: number;
  /** What reads the checkpoint. */
  readonly checkpointFormat: string;
  /** The one that it replaced, in case that it is damaged. */
  readonly checkpointBefore: string;
  /** The catalog keeps a checkpoint for this job. */
  readonly pinned: boolean;
  readonly artifact: string;
  /** What the attempt that completed it says of its work: a JSON object, or "". */
  readonly summary: string;
  readonly error: string;
  readonly submittedAtMs: number;
  readonly startedAtMs: number;
  readonly finishedAtMs: number;
  readonly cpuMs: number;
  /** What the trainer that completed it used: JSON of `Usage`, or "". */
  readonly usage: string;
};

/** An attempt that runs, and the name of its trainer. */
export type LiveAttempt = { readonly attempt: number; readonly trainer: string };

/** Where an attempt runs: the trainer's id, and what it said of its machine. Nothing is decided by it. */
export type Whereabouts = { readonly trainerId: string; readonly environment: Readonly<Record<string, string>> };

/** What happens to a job. */
export type JobEvent =
  /**
   * The catalog had no artifact of the job's recipe, asked when the job had ended at `seenEndedAtMs` (0: had not): where it has ended, it
   * starts anew; where it waits, it needs what is asked for now.
   */
  | { readonly type: "submitted"; readonly seenEndedAtMs: number; readonly needs: Needs; readonly atMs: number }
  /** A person wants it done after all. */
  | { readonly type: "retried"; readonly atMs: number }
  /** The catalog has the artifact already. A running attempt goes on: it will find out the same. */
  | { readonly type: "found"; readonly artifact: string; readonly atMs: number }
  /** `rival`: beside an attempt that runs, and is slow. */
  | { readonly type: "begun"; readonly trainer: string; readonly rival?: boolean; readonly where?: Whereabouts; readonly atMs: number }
  /** `how` completes "the last one …". */
  | { readonly type: "lost"; readonly attempt: number; readonly how: string; readonly atMs: number }
  /** The trainer gives the job back, through no fault of it. */
  | { readonly type: "released"; readonly attempt: number }
  | {
      readonly type: "checkpointed";
      readonly attempt: number;
      readonly checkpoint: string;
      readonly step: number;
      readonly format?: string;
    }
  | {
      readonly type: "completed";
      readonly attempt: number;
      readonly artifact: string;
      readonly summary?: string;
      readonly cpuMs: number;
      readonly usage?: string;
      readonly atMs: number;
    }
  /** `elsewhere`: that trainer alone is to blame, and another one is there. */
  | {
      readonly type: "failed";
      readonly attempt: number;
      readonly error: string;
      readonly permanent: boolean;
      readonly elsewhere?: boolean;
      readonly atMs: number;
    }
  /** `reason` is empty where nobody needs the job any more. */
  | { readonly type: "cancelled"; readonly reason: string; readonly atMs: number }
  /** The catalog let go of the checkpoints of a job that has ended. */
  | { readonly type: "unpinned" };

/** Why an event does not apply. */
export type Refusal = "stale" | "done" | "leased" | "unretryable";

export type Transition = { readonly job: JobRecord } | { readonly refused: Refusal };

/** Attempts that may fail before the job does. */
export const MAX_FAILURES = 3;
/** Trainers that may be lost before the job is taken for what kills them. */
export const MAX_LOSSES = 20;
/** Attempts that may run at once. */
const MOST_LIVE = 2;

/**
 * The state machine of a job: the job after an event, or why the event does not apply. Pure; an event that does not apply changes nothing.
 * Only attempts that run may checkpoint, complete or fail. The first of two that completes ends both; where one of two ends in another way
 * the other goes on, and nothing counts against the job. A reproduction has no rivals: what it is to say is how its one attempt came out.
 */
export function next(job: JobRecord, event: JobEvent): Transition {
  switch (event.type) {
    case "submitted":
      // Completed after the catalog was asked: what it answered is no longer so.
      if (job.state === "succeeded" && job.finishedAtMs !== event.seenEndedAtMs) return { job };
      if (job.state === "queued") return { job: isDeepStrictEqual(job.needs, event.needs) ? job : { ...job, needs: event.needs } };
      return { job: job.state === "running" ? job : { ...requeued(job, event.atMs), needs: event.needs } };
    case "retried":
      return job.state === "failed" || job.state === "cancelled" ? { job: requeued(job, event.atMs) } : { refused: "unretryable" };
    case "found":
      if (job.state === "running" || (job.state === "succeeded" && job.artifact === event.artifact)) return { job };
      return { job: { ...ended(job, "succeeded", event.atMs), artifact: event.artifact, error: "" } };
    case "begun":
      if (job.state === "running" && (!event.rival || job.reproduce || job.live.length >= MOST_LIVE)) return { refused: "leased" };
      if (!isOpen(job)) return { refused: "done" };
      return { job: begun(job, event.trainer, event.atMs) };
    case "cancelled":
      return { job: isOpen(job) ? { ...ended(job, "cancelled", event.atMs), error: event.reason } : job };
    case "unpinned":
      return { job: isOpen(job) || !job.pinned ? job : { ...job, pinned: false } };
    default:
      if (isRepeated(job, event)) return { job };
      if (!isLive(job, event.attempt)) return { refused: "stale" };
      return { job: advance(job, event) };
  }
}

/** Whether an attempt has the job. */
export function isLive({ live }: JobRecord, attempt: number): boolean {
  return live.some((one) => one.attempt === attempt);
}

type AttemptEvent = Extract<JobEvent, { readonly attempt: number }>;

/** The end of an attempt that is told twice, because the answer to the first was lost, is one. */
function isRepeated(job: JobRecord, event: AttemptEvent): boolean {
  if (event.attempt !== job.attempt || isLive(job, event.attempt)) return false;
  if (event.type === "released") return job.state === "queued";
  if (event.type === "completed") return job.state === "succeeded" && job.artifact === event.artifact;
  return event.type === "failed" && (job.state === "queued" || job.state === "failed") && job.error === event.error;
}

function advance(job: JobRecord, event: AttemptEvent): JobRecord {
  switch (event.type) {
    case "checkpointed": {
      // One of an earlier step came late; it is pinned like all of them.
      if (job.checkpoint !== "" && event.step <= job.checkpointStep) return job.pinned ? job : { ...job, pinned: true };
      const { checkpoint, step, format = "" } = event;
      const saved = { checkpoint, checkpointStep: step, checkpointFormat: format, checkpointBefore: job.checkpoint };
      return { ...job, ...saved, pinned: true, failures: 0, losses: 0 };
    }
    case "released":
      return without(job, event.attempt);
    case "completed": {
      const { artifact, summary = "", cpuMs, usage = "" } = event;
      return { ...ended(job, "succeeded", event.atMs), artifact, summary, cpuMs, usage, error: "" };
    }
    case "lost": {
      if (job.live.length > 1) return without(job, event.attempt);
      const losses = job.losses + 1;
      if (losses < MAX_LOSSES) return { ...without(job, event.attempt), losses };
      const error = `${losses} trainers were lost while they ran this job without progress; the last, ${job.trainer}, ${event.how}`;
      return { ...ended(job, "failed", event.atMs), losses, error };
    }
    case "failed": {
      if (event.elsewhere || job.live.length > 1) return { ...without(job, event.attempt), error: event.error };
      const failures = job.failures + 1;
      if (!event.permanent && failures < MAX_FAILURES) return { ...without(job, event.attempt), failures, error: event.error };
      return { ...ended(job, "failed", event.atMs), failures, error: event.error };
    }
  }
}

/** The fields of a job that nothing has been saved of. */
export const noCheckpoint = { checkpoint: "", checkpointStep: 0, checkpointFormat: "", checkpointBefore: "" } as const;

function begun(job: JobRecord, trainer: string, atMs: number): JobRecord {
  const attempt = job.attempt + 1;
  const startedAtMs = job.state === "running" ? job.startedAtMs : atMs;
  return { ...job, state: "running", attempt, live: [...job.live, { attempt, trainer }], trainer, startedAtMs };
}

/** The job after the end of an attempt: with the one that is left, or queued. */
function without(job: JobRecord, attempt: number): JobRecord {
  const live = job.live.filter((one) => one.attempt !== attempt);
  const [left] = live;
  return left ? { ...job, live, trainer: left.trainer } : { ...job, live, state: "queued" };
}

function isOpen({ state }: JobRecord): boolean {
  return state === "queued" || state === "running";
}

function requeued(job: JobRecord, atMs: number): JobRecord {
  const unmade = { artifact: "", summary: "", cpuMs: 0, usage: "" };
  const nothing = { failures: 0, losses: 0, error: "", trainer: "", startedAtMs: 0, finishedAtMs: 0, ...unmade };
  // Later than before, also where the clock was set back: who watches takes what is earlier for old news.
  return { ...job, ...nothing, state: "queued", submittedAtMs: Math.max(atMs, job.submittedAtMs + 1) };
}

function ended(job: JobRecord, state: "succeeded" | "failed" | "cancelled", atMs: number): JobRecord {
  return { ...job, state, live: [], finishedAtMs: Math.max(atMs, job.submittedAtMs), ...noCheckpoint };
}
