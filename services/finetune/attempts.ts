import type { JobEvent, JobRecord } from "./job.ts";

/** How an attempt ended; "" while it has not. */
export type AttemptOutcome = "" | "completed" | "failed" | "lost" | "released" | "cancelled";

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

/** How the running attempt of a job ended by an event, or undefined if it did not. */
export function endOfAttempt(before: JobRecord, event: JobEvent, job: JobRecord): Pick<AttemptRecord, "outcome" | "error"> | undefined {
  if (before.state !== "running" || job.state === "running") return undefined;
  switch (event.type) {
    case "completed":
    case "released":
      return { outcome: event.type, error: "" };
    case "failed":
      return { outcome: "failed", error: event.error };
    case "lost":
      return { outcome: "lost", error: event.how };
    case "cancelled":
      return { outcome: "cancelled", error: event.reason };
    default:
      return undefined;
  }
}
