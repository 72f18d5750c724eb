import { counted, plural } from "#libs/text";
import type { Job } from "#proto/ratatouille/v1/finetune_pb.ts";
import { type Missing, RunState, type Stage, type WatchRunResponse } from "#proto/ratatouille/v1/recycling_pb.ts";

/** What a display knows of a run. The server sends the specification, and with it the name, in the first message only. */
export type Progress = {
  readonly id: string;
  readonly name: string;
  readonly state: RunState;
  readonly error: string;
  /** Milliseconds that it was worked on; 0: unknown. */
  readonly workedMs: number;
  readonly stages: readonly Stage[];
  readonly running: readonly Job[];
  /** Jobs that ended since the message before. */
  readonly ended: readonly Job[];
  readonly remainingSeconds: number | undefined;
  /** What queued jobs wait for that no trainer has. */
  readonly missing: readonly Missing[];
};

/** Takes in a message. */
export function advance(before: Progress | undefined, { run, running, ended, remainingSeconds, missing }: WatchRunResponse): Progress {
  return {
    id: run?.id ?? before?.id ?? "",
    name: run?.spec?.name || before?.name || run?.id || "",
    state: run?.state ?? before?.state ?? RunState.UNSPECIFIED,
    error: run?.error ?? "",
    workedMs: Number(run?.workedMs ?? 0n) || (before?.workedMs ?? 0),
    stages: run?.stages ?? before?.stages ?? [],
    running,
    ended,
    remainingSeconds,
    missing,
  };
}

/** The sum of all stages. */
export function totals(stages: readonly Stage[]): Pick<Stage, "total" | "done" | "failed" | "cached"> {
  const sum = (key: "total" | "done" | "failed" | "cached") => stages.reduce((all, stage) => all + stage[key], 0);
  return { total: sum("total"), done: sum("done"), failed: sum("failed"), cached: sum("cached") };
}

/** Whether every job of a stage has ended, well or not. */
export function isOver({ total, done, failed }: Stage): boolean {
  return done + failed >= total;
}

/** Whether something of a stage has begun. */
export function hasBegun({ done, failed, running }: Stage): boolean {
  return done + failed + running > 0;
}

/** For example "12 jobs wait: no trainer has the network resnet18". */
export function missingSentence({ what, jobs }: Missing): string {
  return `${counted(jobs, "job")} ${plural(jobs, "waits", "wait")}: ${what}`;
}

/** What is known of a running job, in parts: step (or row of a prediction), speed, loss, validation accuracy. */
export function jobFacts({ progress }: Job): string[] {
  if (progress === undefined || progress.steps === 0) return [];
  const { step, steps, stepsPerSecond, loss, validationAccuracy, validating, unit } = progress;
  return [
    `${unit || "step"} ${step}/${steps}`,
    ...(stepsPerSecond > 0 ? [speed(stepsPerSecond, unit)] : []),
    ...(step > 0 && unit === "" ? [`loss ${Number.isFinite(loss) ? loss.toFixed(3) : String(loss)}`] : []),
    ...(validating === undefined ? [] : [`validating ${Math.floor(100 * validating)} %`]),
    ...(validationAccuracy === undefined ? [] : [`validation ${(100 * validationAccuracy).toFixed(1)} %`]),
  ];
}

/** Two digits at least: "412 steps/s", "3.4 steps/s", and of slow steps "19 s/step". */
function speed(stepsPerSecond: number, unit: string): string {
  const digits = (value: number) => (value < 9.95 ? value.toFixed(1) : String(Math.round(value)));
  return stepsPerSecond >= 1 || unit !== "" ? `${digits(stepsPerSecond)} ${unit || "steps"}/s` : `${digits(1 / stepsPerSecond)} s/step`;
}
