import { type StreamDeclaration, type Topic, topic } from "#libs/bus";
import { ArtifactPublishedSchema, JobFinishedSchema, JobOfferedSchema, RunFinishedSchema } from "#proto/ratatouille/v1/events_pb.ts";

const DAY_MS = 24 * 3_600_000;

/** Jobs that wait for a trainer of a device class, for example "cpu". A work queue: one trainer gets each message. */
export function workTopic(device: string): Topic<typeof JobOfferedSchema> {
  return topic(`ratatouille.v1.work.${device}`, JobOfferedSchema);
}

/** A job is SUCCEEDED, FAILED or CANCELLED. */
export const jobFinished = topic("ratatouille.v1.job.finished", JobFinishedSchema);
/** The catalog has a new artifact. */
export const artifactPublished = topic("ratatouille.v1.artifact.published", ArtifactPublishedSchema);
/** A recycling run has ended. */
export const runFinished = topic("ratatouille.v1.run.finished", RunFinishedSchema);

/** Where the messages of all topics are kept where NATS runs. Events only wake, so a day of them is plenty. */
export const streams: readonly StreamDeclaration[] = [
  { name: "WORK_CPU", subjects: [workTopic("cpu").subject], retention: "work", maxAgeMs: 0 },
  {
    name: "EVENTS",
    subjects: [jobFinished.subject, artifactPublished.subject, runFinished.subject],
    retention: "events",
    maxAgeMs: DAY_MS,
  },
];
