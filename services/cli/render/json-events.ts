import { JobState } from "#proto/ratatouille/v1/finetune_pb.ts";
import { RunState } from "#proto/ratatouille/v1/recycling_pb.ts";
import type { Progress } from "./progress.ts";

/** The events of a message, one JSON object each: `job` for every job that ended, then `progress`. Numbers that are not finite are null. */
export function jsonEvents({ id, name, state, error, stages, running, ended, remainingSeconds, missing }: Progress): string[] {
  const jobs = ended.map(({ id: job, label, state: jobState, trainer, artifact, error: jobError }) => ({
    event: "job",
    run: id,
    job,
    label,
    state: word(JobState, jobState),
    trainer,
    ...(artifact === "" ? {} : { artifact }),
    ...(jobError === "" ? {} : { error: jobError }),
  }));
  const progress = {
    event: "progress",
    run: id,
    name,
    state: word(RunState, state),
    ...(error === "" ? {} : { error }),
    stages: stages.map(({ name: stage, total, done, running: busy, queued, failed, cached }) => ({
      name: stage,
      ...{ total, done, running: busy, queued, failed, cached },
    })),
    running: running.map(({ id: job, label, trainer, progress: at }) => ({
      job,
      label,
      trainer,
      step: at?.step ?? 0,
      steps: at?.steps ?? 0,
      stepsPerSecond: at?.stepsPerSecond ?? 0,
      unit: at?.unit || "steps",
      loss: at && at.unit === "" ? at.loss : null,
      validationAccuracy: at?.validationAccuracy ?? null,
      validating: at?.validating ?? null,
    })),
    ...(missing.length === 0 ? {} : { missing: missing.map(({ what, jobs: count }) => ({ what, jobs: count })) }),
    remainingSeconds: remainingSeconds ?? null,
  };
  return [...jobs, progress].map((event) => JSON.stringify(event));
}

/** The name of a value of an enumeration, in lower case. */
function word(names: { readonly [name: string]: number }, value: number): string {
  return (
    Object.entries(names)
      .find(([, candidate]) => candidate === value)?.[0]
      .toLowerCase() ?? "unknown"
  );
}
