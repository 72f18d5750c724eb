import { setTimeout as sleep } from "node:timers/promises";
import { AttemptOutcome, type Job } from "#proto/ratatouille/v1/finetune_pb.ts";
import type { Bench } from "../bench.ts";
import { type Check, demand } from "../check.ts";
import { isOver } from "../jobs.ts";
import { stepsFor } from "../speed.ts";

/** How long the training is, undisturbed. */
const LONG_MS = 3_000;
/** From a step to the kill, at most. */
const MOST_MS = 1_000;

/** A trainer that is killed in the middle. */
export const resume: Check = {
  name: "resume",
  about: "is killed (kill -9) at random points of a training, and the next one goes on at the newest checkpoint",
  limitMs: 300_000,
  async run(bench) {
    const { jobs, options, newSeed, random, trainer } = bench;
    const ids = new Set([(await trainer()).id]);
    const task = await bench.task();
    const recipe = task.training({ seed: newSeed(), steps: await stepsFor(bench, LONG_MS) });
    const undisturbed = await jobs.succeeded((await jobs.submit(recipe, task)).id);
    // The same again, in jobs of their own: what comes out is compared, and not published.
    const { id } = await jobs.submit(recipe, task, { runId: `conformance-resume-${newSeed()}`, reproduce: true });
    /** The least step that each attempt has reported. */
    const least = new Map<number, number>();
    const isOverOr =
      (isSo: (job: Job) => boolean) =>
      (job: Job): boolean => {
        const step = job.progress?.step ?? 0;
        if (step > 0) least.set(job.attempt, Math.min(step, least.get(job.attempt) ?? step));
        return isOver(job) || isSo(job);
      };
    let killed = 0;
    let kills = 0;
    for (; kills < options.kills; kills++) {
      const trains = ({ attempt, progress }: Job) => attempt > killed && (progress?.step ?? 0) > 0;
      const job = await jobs.until(id, isOverOr(trains), "a step of a training whose trainer was killed");
      if (isOver(job)) break;
      killed = job.attempt;
      await sleep(MOST_MS * random());
      await bench.dismiss();
      const started = await trainer();
      demand(!ids.has(started.id), "a trainer that starts anew announces an id that no life of it had before");
      ids.add(started.id);
    }
    await jobs.until(
      id,
      isOverOr(() => false),
      "the end of a training whose trainer was killed",
      120_000,
    );
    const job = await jobs.succeeded(id);
    demand(kills > 0, "the training ended before the trainer could be killed; --steps has no part in this: its reports came too late");
    const began = beginningsOf(job);
    checkOutcome(job, began, bench);
    for (const { number, fromStep } of job.attempts) {
      const step = least.get(number) ?? fromStep;
      demand(
        step >= fromStep,
        `attempt ${number} was to go on after step ${fromStep}, and reported step ${step}: SkipCheckpoint says that it did not`,
      );
    }
    if (options.deterministic)
      demand(job.artifact === undisturbed.artifact, `it made ${job.artifact}, and undisturbed ${undisturbed.artifact}: the bytes differ`);
    const same = job.artifact === undisturbed.artifact ? "; the same bytes as undisturbed" : "";
    return `killed ${kills} times; attempts began at the steps ${began.join(", ")}${same}`;
  },
};

/** Where attempts began. */
function beginningsOf({ attempts }: Job): number[] {
  return attempts.map(({ fromStep }) => fromStep);
}

function checkOutcome({ attempts }: Job, began: readonly number[], { options }: Bench): void {
  const failed = attempts.find(({ outcome }) => outcome === AttemptOutcome.FAILED);
  demand(failed === undefined, `an attempt failed: ${failed?.error}`);
  const skipped = attempts.find((one) => one.skipped !== "");
  demand(skipped === undefined, `attempt ${skipped?.number} did not go on at the newest checkpoint: ${skipped?.skipped}`);
  const backwards = began.findIndex((step, i) => i > 0 && step < began[i - 1]!);
  demand(backwards < 0, `attempt ${backwards + 1} began before the one before it: at the steps ${began.join(", ")}`);
  if (options.withoutCheckpoints) return;
  demand(
    began.some((step) => step > 0),
    `none of ${attempts.length} attempts went on at a checkpoint: RATATOUILLE_CHECKPOINT_MS asked for one each 300 ms; --without-checkpoints if it saves none`,
  );
}
