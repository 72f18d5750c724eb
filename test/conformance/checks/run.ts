import { arithmetics, canonicalRecipe, type Digest, type Measurement, type Recipe } from "#libs/recipes";
import { AveragingService } from "#proto/ratatouille/v1/averaging_pb.ts";
import { EvaluationService } from "#proto/ratatouille/v1/evaluation_pb.ts";
import type { Bench } from "../bench.ts";
import { type Check, demand } from "../check.ts";
import { checkModel, checkPrediction, logitsOf } from "../results.ts";
import { accuracyOf } from "../task.ts";

/** Logits of a mean that the trainer makes and of the published mean are this near, of the largest of them. */
const NEAR = 1e-3;

/** Who learns is right so often, and who guesses is not. */
const LEARNED = 0.7;

/** What a run is made of. */
export const run: Check = {
  name: "run",
  about:
    "trains a foundation and two models from it, predicts with each, with their published mean and with a mean that it makes itself; all is measured",
  limitMs: 180_000,
  async run(bench) {
    const { jobs, task, foundation, newSeed, trainer, server, options } = bench;
    await trainer();
    const recipes = await task();
    const start = await foundation();
    const members: Digest[] = [];
    for (const _ of ["first", "second"]) {
      const { id } = await jobs.submit(recipes.training({ seed: newSeed(), weights: start }), recipes);
      const job = await jobs.succeeded(id);
      demand(
        job.attempt === 1,
        `a training took ${job.attempt} attempts, with nobody in its way: ${job.attempts.map(({ error }) => error).join("; ")}`,
      );
      await checkModel(jobs, job, start, options.steps);
      members.push(job.artifact as Digest);
    }
    demand(members[0] !== members[1], "two trainings with different seeds gave the same weights: batches follow from the seed");
    const average = await mean(bench, members);
    const predictions: Digest[] = [];
    for (const models of [[members[0]!], [members[1]!], [average], members]) {
      const { id } = await jobs.submit(recipes.prediction(models), recipes);
      const job = await jobs.succeeded(id);
      await checkPrediction(jobs, job, recipes);
      predictions.push(job.artifact as Digest);
    }
    const [published, own] = [await logitsOf(jobs, predictions[2]!), await logitsOf(jobs, predictions[3]!)];
    const largest = published.reduce((most, one) => Math.max(most, Math.abs(one)), 0);
    const apart = published.reduce((most, one, i) => Math.max(most, Math.abs(one - own[i]!)), 0);
    demand(
      apart <= NEAR * largest,
      `a prediction of two models is that of their mean, tensor by tensor: its logits differ from those of the published mean by up to ${apart.toPrecision(3)}, of ${largest.toPrecision(3)}`,
    );
    const result = await measured(server.channel.client(EvaluationService), accuracyOf(predictions));
    const accuracies = result.measure === "accuracy" ? result.predictions.map(({ mean: of }) => of.accuracy) : [];
    const shown = accuracies.map((one) => `${Math.round(100 * one)} %`).join(", ");
    demand(
      accuracies.every((one) => one >= LEARNED),
      `after ${options.steps} steps on images that are easy to tell apart its models are right in ${shown}; expected ${Math.round(100 * LEARNED)} % at least; --steps gives it more`,
    );
    return `7 jobs; accuracies ${shown}`;
  },
};

async function mean({ server }: Bench, models: readonly Digest[]): Promise<Digest> {
  const recipe: Recipe = { kind: "average", inputs: { models }, parameters: { method: "linear" }, arithmetic: arithmetics.averaging };
  const averaging = server.channel.client(AveragingService);
  const events = await Array.fromAsync(averaging.average({ recipe: canonicalRecipe(recipe) }, { timeoutMs: 60_000 }));
  const last = events.at(-1)?.event;
  demand(last?.case === "artifact", "there is no average of its models");
  return last.value.digest as Digest;
}

async function measured(
  evaluation: { evaluate(request: { recipe: string }): Promise<{ result: string }> },
  recipe: Recipe,
): Promise<Measurement> {
  return JSON.parse((await evaluation.evaluate({ recipe: canonicalRecipe(recipe) })).result) as Measurement;
}
