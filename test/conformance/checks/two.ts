import { within } from "#libs/concurrency";
import { waitFor } from "#libs/testing";
import { type Check, demand } from "../check.ts";
import { ENDLESS, trainLong } from "../long-job.ts";

/** Short jobs for two. */
const JOBS = 6;

/** Two trainers of one kind. */
export const two: Check = {
  name: "two",
  about: "shares work with another trainer of its kind, and no job is done twice",
  limitMs: 180_000,
  async run(bench) {
    const { jobs, options, trainer, another, newSeed } = bench;
    const [first, second] = [await trainer(), await another()];
    const ids = [first.id, second.id];
    const task = await bench.task();
    const { job: own } = await trainLong(bench, ENDLESS);
    const { job: others } = await trainLong(bench, ENDLESS);
    const holders = async () => (await jobs.trainers()).filter(({ id, jobs: held }) => ids.includes(id) && held.length === 1).length;
    const what = "each of two trainers to have one of two jobs";
    await waitFor(async () => (await holders()) === 2, { timeoutMs: options.stopMs, what });
    for (const { id } of [own, others]) await jobs.cancel(id);
    const submitted = [];
    for (let i = 0; i < JOBS; i++) submitted.push(await jobs.submit(task.training({ seed: newSeed() }), task));
    for (const { id } of submitted) {
      const { attempt, attempts } = await jobs.succeeded(id);
      demand(attempt === 1, `a job took ${attempt} attempts: ${attempts.map(({ error }) => error).join("; ")}`);
    }
    second.signal("SIGTERM");
    const code = await within(options.drainMs, second.process.ended);
    demand(
      code === 0,
      code === undefined
        ? "a trainer without work has not ended in time after SIGTERM"
        : `it ended with ${code} after SIGTERM, without work`,
    );
    return `two long jobs at once, then ${JOBS} short ones; one ended with 0 when it was asked to`;
  },
};
