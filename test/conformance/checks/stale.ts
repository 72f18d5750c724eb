import { setTimeout as sleep } from "node:timers/promises";
import { AttemptOutcome, JobState } from "#proto/ratatouille/v1/finetune_pb.ts";
import { type Check, demand, seconds } from "../check.ts";
import { ENDLESS, trainLong } from "../long-job.ts";
import { holdJob } from "../rival.ts";
import { LEASE_SECONDS } from "../server.ts";

/** What is on its way arrives meanwhile. */
const SETTLE_MS = 200;

/** A trainer that stood still for longer than its lease. */
export const stale: Check = {
  name: "stale",
  about: "gives up a job that another trainer has taken while it was stopped (SIGSTOP), and takes other work",
  limitMs: 120_000,
  async run(bench) {
    const { jobs, options, task, newSeed, trainer } = bench;
    const running = await trainer();
    const { job } = await trainLong(bench, ENDLESS);
    running.signalAll("SIGSTOP");
    try {
      const what = `the end of the lease of a trainer that is stopped`;
      await jobs.until(job.id, ({ state }) => state === JobState.QUEUED, what, 3000 * LEASE_SECONDS);
      await using rival = await holdJob(jobs, job.id);
      const recipes = await task();
      const next = await jobs.submit(recipes.training({ seed: newSeed() }), recipes);
      await sleep(SETTLE_MS);
      running.signalAll("SIGCONT");
      const goesOnAt = performance.now();
      const taken =
        "the next job to begin: the next report of an attempt that has lost its job ends with ABORTED (ATTEMPT_STALE), and then the trainer gives it up";
      await jobs.until(next.id, ({ attempt }) => attempt > 0, taken, options.stopMs);
      const took = performance.now() - goesOnAt;
      await jobs.succeeded(next.id);
      const { state, attempt, attempts } = await jobs.get(job.id);
      demand(rival.lost() === undefined, `the attempt of the other trainer was disturbed: ${String(rival.lost())}`);
      demand(state === JobState.RUNNING && attempt === 2, `the job of the other trainer is not in its hands any more: attempt ${attempt}`);
      demand(attempts[0]?.outcome === AttemptOutcome.LOST, "the attempt of the stopped trainer did not end as lost");
      demand((await trainer()).id === running.id, "the trainer ended when it had lost a job");
      await jobs.cancel(job.id);
      return `gave it up, and took the next one after ${seconds(took)}`;
    } finally {
      running.signalAll("SIGCONT");
    }
  },
};
