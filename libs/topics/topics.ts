import { type ConsumerDeclaration, type StreamDeclaration, topic } from "#libs/bus";
import {
  ArtifactPublishedSchema,
  JobFinishedSchema,
  RefMovedSchema,
  RunFinishedSchema,
  RunStartedSchema,
} from "#proto/ratatouille/v1/events_pb.ts";
import { declaredBackends, devices, workSubjects, workTopicsFor } from "./work.ts";

const DAY_MS = 24 * 3_600_000;

/** A job is SUCCEEDED, FAILED or CANCELLED. */
export const jobFinished = topic("ratatouille.v1.job.finished", JobFinishedSchema);
/** The catalog has a new artifact. */
export const artifactPublished = topic("ratatouille.v1.artifact.published", ArtifactPublishedSchema);
/** A ref of the catalog points elsewhere. */
export const refMoved = topic("ratatouille.v1.ref.moved", RefMovedSchema);
/** A recycling run has begun. */
export const runStarted = topic("ratatouille.v1.run.started", RunStartedSchema);
/** A recycling run has ended. */
export const runFinished = topic("ratatouille.v1.run.finished", RunFinishedSchema);

/** Where the messages of all topics are kept: one work queue for each class of devices, and the events. Events only wake, so a day of them is plenty. */
export const streams: readonly StreamDeclaration[] = [
  ...devices.map(
    (device): StreamDeclaration => ({
      name: `WORK_${device.toUpperCase()}`,
      subjects: [workSubjects(device)],
      retention: "work",
      maxAgeMs: 0,
    }),
  ),
  {
    name: "EVENTS",
    subjects: [jobFinished, artifactPublished, refMoved, runStarted, runFinished].map(({ subject }) => subject),
    retention: "events",
    maxAgeMs: DAY_MS,
  },
];

/**
 * Who has a message in hand says three times in this that it works. What a process had in hand that died, or what was on its way to it or
 * from it when a connection broke, comes again after it: all that waits for that job waits as long. A message that comes again too early
 * costs one refused BeginAttempt.
 */
export const ACK_WAIT_MS = 5_000;

/**
 * Who consumes durably. Of the work queues the fine-tune service does, for trainers: 1,000 of them may share a queue, each with a job that it
 * computes and one that it publishes; and thousands of jobs may wait for a trainer that has more memory than those that are there.
 */
export const consumers: readonly ConsumerDeclaration[] = [
  {
    durable: "trainer",
    subjects: devices.flatMap((device) => {
      const all = { device, backends: declaredBackends(device), memoryMib: Number.POSITIVE_INFINITY };
      return workTopicsFor(all).map(({ subject }) => subject);
    }),
    ackWaitMs: ACK_WAIT_MS,
    maxAckPending: 20_000,
  },
  { durable: "recycling", subjects: [jobFinished.subject], ackWaitMs: ACK_WAIT_MS, maxAckPending: 1000 },
];
