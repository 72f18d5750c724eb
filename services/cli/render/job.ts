import { parseEnvelope } from "#libs/recipes";
import { wrap } from "#libs/text";
import { type Attempt, AttemptOutcome, type Job, JobState } from "#proto/ratatouille/v1/finetune_pb.ts";
import { ago, columns, duration, oneLine } from "../format.ts";
import { factLines, type Stream, widthOf } from "../write-wrapped.ts";

const names = new Map<number, string>(Object.entries(JobState).map(([name, value]) => [value, name.toLowerCase()]));

const outcomes = new Map<number, string>(Object.entries(AttemptOutcome).map(([name, value]) => [value, name.toLowerCase()]));

/** The state of a job as people read and write it, for example "queued". */
export function jobStateName(state: JobState): string {
  return names.get(state) ?? String(state);
}

/** A job for people: what it is, how far it is, what went wrong, and what to do about it. */
export function describeJob(job: Job, stream: Stream): string {
  const known: readonly [string, string][] = [
    ["job", job.id],
    ["what", job.label],
    ["recipe", `${parseEnvelope(job.recipe).kind}, ${job.recipeKey}`],
    ["state", jobStateName(job.state)],
    [job.state === JobState.FAILED || job.state === JobState.CANCELLED ? "why" : "last error", oneLine(job.error)],
    ["progress", progressOf(job)],
    ["trainer", job.trainer],
    ["ran on", ranOn(job)],
    ["submitted", ago(job.submittedAtMs)],
    ["began", ago(job.startedAtMs)],
    ["took", tookInAll(job)],
    ["CPU time", job.cpuMs > 0n ? duration(Number(job.cpuMs)) : ""],
    ["made", job.artifact],
    ["needs", needsOf(job)],
    ["waits for", job.waitingFor],
  ];
  const attempts =
    job.attempts.length > 0
      ? columns(["attempt", "trainer", "began", "took", "outcome", ""], job.attempts.map(attemptRow), widthOf(stream))
      : "";
  return [factLines(stream, known), attempts, wrap(whatToDo(job), widthOf(stream))].filter((part) => part !== "").join("\n");
}

/** For example "gpu with 6000 MiB, torch or tfjs-node-gpu, resnet18, 512 MiB". */
function needsOf({ needs }: Job): string {
  if (!needs) return "";
  const { device, backends, network, memoryMib, acceleratorMemoryMib } = needs;
  const parts = [
    acceleratorMemoryMib > 0 ? `${device} with ${acceleratorMemoryMib} MiB` : device,
    backends.join(" or "),
    network,
    `${memoryMib} MiB`,
  ];
  return parts.filter((part) => part !== "").join(", ");
}

/** The time in which there were attempts: without what lies between them, and once where two ran. */
function tookInAll({ attempts, finishedAtMs }: Job): string {
  let [ms, until] = [0, 0n];
  for (const { beganAtMs, endedAtMs } of attempts) {
    const from = beganAtMs > until ? beganAtMs : until;
    if (endedAtMs <= from) continue;
    ms += Number(endedAtMs - from);
    until = endedAtMs;
  }
  return finishedAtMs > 0n && ms > 0 ? duration(ms) : "";
}

function attemptRow({ number, trainer, beganAtMs, endedAtMs, outcome, error, fromStep, skipped }: Attempt): string[] {
  const took = endedAtMs > 0n ? duration(Number(endedAtMs - beganAtMs)) : "";
  const ended = outcome === AttemptOutcome.UNSPECIFIED ? "running" : (outcomes.get(outcome) ?? String(outcome));
  const from = fromStep > 0 || skipped !== "" ? `from step ${fromStep}` : "";
  const why = skipped === "" ? "" : `a checkpoint could not be used (${oneLine(skipped)})`;
  const remark = [from, why, oneLine(error)].filter((part) => part !== "").join(": ");
  return [String(number), trainer, ago(beganAtMs), took, ended, remark];
}

function progressOf({ state, progress }: Job): string {
  if (state !== JobState.RUNNING || !progress || progress.steps === 0) return "";
  const { step, steps, stepsPerSecond, unit } = progress;
  return `${unit || "step"} ${step} of ${steps}${stepsPerSecond > 0 ? `, ${Math.round(stepsPerSecond)} a second` : ""}`;
}

/** What the attempt that made the result ran on, or the newest, of which people ask when results differ. */
function ranOn({ attempts }: Job): string {
  const { environment = {} } = attempts.findLast(({ outcome }) => outcome === AttemptOutcome.COMPLETED) ?? attempts.at(-1) ?? {};
  return Object.values(environment).map(oneLine).join(", ");
}

function whatToDo({ id, state, waitingFor }: Job): string {
  switch (state) {
    case JobState.QUEUED:
      return waitingFor === ""
        ? "It waits for a trainer that is free. Another one joins with: ratatouille trainer\n"
        : "None of the trainers can run it: ratatouille trainers list. One that can joins with: ratatouille trainer\n";
    case JobState.FAILED:
    case JobState.CANCELLED:
      return `No trainer takes it any more. When the cause is gone:  ratatouille jobs retry ${id}
A run that failed for want of it goes on with its run file:  ratatouille recycle FILE\n`;
    default:
      return "";
  }
}
