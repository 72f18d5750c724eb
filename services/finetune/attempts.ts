import { isLive, type JobEvent, type JobRecord } from "./job.ts";

/** How an attempt ended; "" while it has not. */
export type AttemptOutcome = "" | "completed" | "failed" | "lost" | "released" | "cancelled" | "overtaken";

/** One attempt at a job, for people. Nothing is decided by it. */
export type AttemptRecord = {
  readonly number: number;
  readonly trainer: string;
  readonly beganAtMs: number;
  readonly endedAtMs: number;
  readonly outcome: AttemptOutcome;
  readonly error: string;
  /** The step of the checkpoint from which it went on. */
  readonly fromStep: number;
  /** Why that is not the newest one; "" where it is, or there was none. */
  readonly skipped: string;
  /** What the trainer said of where it ran. */
  readonly environment: Readonly<Record<string, string>>;
};

/** An attempt that has ended, and how. */
export type EndedAttempt = Pick<AttemptRecord, "number" | "outcome" | "error">;

/** The attempts of a job that an event has ended. Of two the one that did not complete the job was overtaken. */
export function endedAttempts(before: JobRecord, event: JobEvent, job: JobRecord): EndedAttempt[] {
  return before.live
    .filter(({ attempt }) => !isLive(job, attempt))
    .map(({ attempt }) => {
      const own = !("attempt" in event) || event.attempt === attempt;
      return { number: attempt, ...(own ? endOf(event) : { outcome: "overtaken", error: "" }) };
    });
}

function endOf(event: JobEvent): Pick<AttemptRecord, "outcome" | "error"> {
  switch (event.type) {
    case "failed":
      return { outcome: "failed", error: event.error };
    case "lost":
      return { outcome: "lost", error: event.how };
    case "cancelled":
      return { outcome: "cancelled", error: event.reason };
    case "released":
      return { outcome: "released", error: "" };
    default:
      return { outcome: "completed", error: "" };
  }
}
