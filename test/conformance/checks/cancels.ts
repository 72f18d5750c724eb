import { JobState } from "#proto/ratatouille/v1/finetune_pb.ts";
import { type Check, demand, seconds } from "../check.ts";
import { ENDLESS, trainLong, trainShort } from "../long-job.ts";

/** A job that nobody needs any more. */
export const cancels: Check = {
  name: "cancels",
  about: "stops a job that is cancelled while it runs, and takes the next one",
  limitMs: 120_000,
  async run(bench) {
    const { jobs, options, task, newSeed, trainer } = bench;
    const { id } = await trainer();
    const { job } = await trainLong(bench, ENDLESS, "conformance-cancels");
    const recipes = await task();
    const next = await jobs.submit(recipes.training({ seed: newSeed() }), recipes);
    await jobs.finetune.cancelJobs({ runId: "conformance-cancels" });
    const cancelledAt = performance.now();
    const what = `the next job to begin after one was cancelled: ReportProgress ends with CANCELLED (JOB_CANCELLED), and then the training stops`;
    await jobs.until(next.id, ({ attempt }) => attempt > 0, what, options.stopMs);
    const took = performance.now() - cancelledAt;
    await jobs.succeeded(next.id);
    const { state, attempt } = await jobs.get(job.id);
    demand(state === JobState.CANCELLED && attempt === 1, `the cancelled job was taken up again: ${attempt} attempts`);
    await trainShort(bench);
    demand((await trainer()).id === id, "the trainer ended, or started anew, when a job was cancelled");
    return `stopped at step ${job.progress?.step} or later, and took the next one after ${seconds(took)}`;
  },
};
