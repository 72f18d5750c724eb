import { within } from "#libs/concurrency";
import { AttemptOutcome } from "#proto/ratatouille/v1/finetune_pb.ts";
import { type Check, demand, seconds } from "../check.ts";
import { trainLong } from "../long-job.ts";
import { holdJob } from "../rival.ts";
import { stepsFor } from "../speed.ts";

/** How long the training is, undisturbed. */
const LONG_MS = 8_000;
/** Beyond what is allowed, to say how long it took. */
const PATIENCE_MS = 10_000;

/** A trainer that is asked to end. */
export const drains: Check = {
  name: "drains",
  about: "ends at SIGTERM in time and with 0, and gives its job back with a checkpoint",
  limitMs: 180_000,
  async run(bench) {
    const { jobs, options, trainer, restart } = bench;
    const steps = await stepsFor(bench, LONG_MS);
    // Too seldom for any other checkpoint than the last.
    const running = await restart({ RATATOUILLE_CHECKPOINT_MS: "3600000" });
    const { job } = await trainLong(bench, steps);
    const { progress } = await jobs.trains(job.id, job.progress!.step);
    const askedAt = performance.now();
    running.signal("SIGTERM");
    const code = await within(options.drainMs + PATIENCE_MS, running.process.ended);
    const took = performance.now() - askedAt;
    demand(code !== undefined, `it has not ended ${seconds(took)} after SIGTERM`);
    demand(took <= options.drainMs, `it ended ${seconds(took)} after SIGTERM; ${seconds(options.drainMs)} are allowed (--drain-seconds)`);
    demand(code === 0, `it ended with ${code} after SIGTERM; expected 0`);
    const [attempt] = (await jobs.get(job.id)).attempts;
    demand(attempt?.outcome === AttemptOutcome.RELEASED, "it did not give its job back (ReleaseAttempt) before it ended");
    demand(!(await jobs.trainers()).some(({ id }) => id === running.id), "it has not said that it leaves (AnnounceTrainer with leaves)");
    let from = 0;
    {
      await using rival = await holdJob(jobs, job.id);
      from = rival.begun.checkpointStep;
    }
    const reported = progress!.step;
    if (!options.withoutCheckpoints)
      demand(
        from >= reported,
        `it reported step ${reported} before SIGTERM, and left a checkpoint of step ${from}: its last state was lost`,
      );
    await trainer();
    const next = await jobs.until(job.id, ({ attempts }) => attempts.length > 2, "the next trainer to take the job");
    const began = next.attempts.at(-1)!;
    demand(began.fromStep === from, `the next trainer began at step ${began.fromStep}, not at ${from}: ${began.skipped}`);
    await jobs.trains(job.id, from);
    await jobs.cancel(job.id);
    return `ended with 0 after ${seconds(took)}, with a checkpoint of step ${from}`;
  },
};
