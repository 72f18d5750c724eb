import type { Digest, Json, Recipe } from "#libs/recipes";
import { AttemptOutcome, JobState } from "#proto/ratatouille/v1/finetune_pb.ts";
import type { Bench } from "../bench.ts";
import { type Check, demand } from "../check.ts";
import { trainShort } from "../long-job.ts";
import { publishChanged } from "../results.ts";
import type { Task } from "../task.ts";

/** Shorter than a sentence that helps anybody. */
const LEAST = 15;

/** Jobs that fail whoever runs them. */
export const poison: Check = {
  name: "poison",
  about:
    "fails jobs for good that nobody can run (classes, domains and networks that there are not, weights that are NaN), each with a sentence, and lives on",
  limitMs: 180_000,
  async run(bench) {
    const { jobs, trainer } = bench;
    const { id, process } = await trainer();
    const task = await bench.task();
    const said: string[] = [];
    for (const [what, recipe] of await poisoned(bench, task)) {
      const submitted = await jobs.submit(recipe, task, { network: task.needs.network });
      const over = await jobs.until(
        submitted.id,
        ({ state, attempt }) => state > JobState.RUNNING || attempt > 1 || !process.running(),
        `the end of a job with ${what}`,
      );
      const { state, error, attempts, attempt } = over;
      demand(process.running(), `a job with ${what} ended the trainer`);
      demand(state !== JobState.SUCCEEDED, `a job with ${what} succeeded`);
      const outcome = attempts[0]?.outcome;
      demand(
        attempt === 1 && outcome === AttemptOutcome.FAILED,
        `a job with ${what} was tried again: FailAttempt says permanent where it fails the same way every time`,
      );
      demand(error.trim().length >= LEAST, `a job with ${what} failed with "${error}": nobody learns what is wrong`);
      said.push(`${what}: ${error.split("\n")[0]}`);
    }
    await trainShort(bench);
    demand((await trainer()).id === id, "the trainer ended, or started anew, after jobs that cannot work");
    return `${said.length} jobs failed at once${said.map((one) => `\n  ${one}`).join("")}`;
  },
};

async function poisoned(bench: Bench, task: Task): Promise<[string, Recipe][]> {
  const { jobs, newSeed } = bench;
  const start = await bench.foundation();
  const nan = await publishChanged(jobs, task.training({ seed: newSeed() }), start, () => Number.NaN);
  const training = (changes: { readonly weights?: Digest; readonly [parameter: string]: Json | undefined }) =>
    task.training({ seed: newSeed(), ...changes });
  const { classes, domains } = task.data;
  return [
    ["other classes than the data set has", training({ classes: classes + 2 })],
    ["a domain that the data set does not have", training({ domains: [domains[0]!, "nowhere"] })],
    ["a network that there is not", training({ network: { name: "no-such-network" } })],
    ["weights that are NaN", training({ weights: nan.digest })],
    ["a prediction of weights that are NaN", task.prediction([nan.digest])],
  ];
}
