/**
 * Has a trainer predict what a greedy selection and a curve ask for: each of several large models, means of two and more of them, and places
 * between two. Another trainer draws the models. Prints JSON. Usage: predictions-process.ts NETWORK SIZE MEMBERS POINTS
 */
import { arithmetics, type Digest, type Json, mediaTypes, type Recipe, readManifest } from "#libs/recipes";
import { temporaryDirectory, waitFor } from "#libs/testing";
import { type Job, JobState } from "#proto/ratatouille/v1/finetune_pb.ts";
import { classes, domains, importPictures } from "../trainer/pictures.ts";
import { startSystem, startTrainer } from "../trainer/system.ts";

/** What the trainer's process had used when it had predicted the mean of so many models. */
export type PredictionCost = { readonly models: number; readonly downloadedBytes: number; readonly peakBytes: number; readonly ms: number };
export type PredictionCosts = {
  /** Of all models together. */
  readonly modelBytes: number;
  readonly singles: readonly PredictionCost[];
  readonly greedy: readonly PredictionCost[];
  readonly curve: readonly PredictionCost[];
};

const PATIENCE_MS = 600_000;
const transform = "resize/1";

const [name = "", size = "", count = "", points = ""] = process.argv.slice(2);
const network = { name, size: Number(size) };
await using directory = await temporaryDirectory("ratatouille-bench-");
await using system = await startSystem(directory.path);
const { dataset, models } = await drawn();
await using _trainer = startTrainer(system.address, { RATATOUILLE_CACHE_DIR: directory.join("predicting") });
const singles: PredictionCost[] = [];
for (const model of models) singles.push(await predict([model]));
const greedy: PredictionCost[] = [];
for (let taken = 2; taken <= models.length; taken++) greedy.push(await predict(models.slice(0, taken)));
const curve: PredictionCost[] = [];
for (let part = 1; part <= Number(points); part++) curve.push(await predict(models.slice(0, 2), [Number(points) + 1 - part, part]));
const sizes = await Promise.all(models.map(bytesOf));
const modelBytes = sizes.reduce((sum, bytes) => sum + bytes, 0);
process.stdout.write(JSON.stringify({ modelBytes, singles, greedy, curve } satisfies PredictionCosts));

/** Models that seeds draw, after one step of a training each. */
async function drawn(): Promise<{ dataset: Digest; models: Digest[] }> {
  await using _drawing = startTrainer(system.address, { RATATOUILLE_CACHE_DIR: directory.join("drawing") });
  const source = await importPictures(system.artifacts, 10);
  const dataset = await system.make({ kind: "dataset", inputs: { source }, parameters: { generator: "image-shards/1" } });
  const optimiser = { name: "adam", learningRate: 1e-6 };
  const transforms = { training: transform, validation: transform };
  const parameters: { [name: string]: Json } = {
    ...{ network, classes: classes.length, domains, optimiser, steps: 1, batch: 1, transform: transforms },
  };
  const models: Digest[] = [];
  for (let seed = 1; seed <= Number(count); seed++)
    models.push(
      (await finished({ kind: "train", inputs: { dataset }, seed, parameters, arithmetic: arithmetics.training })).artifact as Digest,
    );
  return { dataset, models };
}

async function predict(models: readonly Digest[], weights?: readonly number[]): Promise<PredictionCost> {
  const parameters = { network, classes: classes.length, domains, transform, ...(weights ? { weights } : {}) };
  const { usage, attempts } = await finished({
    ...{ kind: "predict", inputs: { models, dataset }, parameters, arithmetic: arithmetics.training },
  });
  const { beganAtMs = 0n, endedAtMs = 0n } = attempts.at(-1) ?? {};
  const { downloadedBytes = 0n, peakMemoryBytes = 0n } = usage ?? {};
  return {
    ...{ models: models.length, ms: Number(endedAtMs - beganAtMs) },
    ...{ downloadedBytes: Number(downloadedBytes), peakBytes: Number(peakMemoryBytes) },
  };
}

async function finished(recipe: Recipe): Promise<Job> {
  const { id } = await system.submit(recipe);
  const ended = async () => {
    const job = await system.job(id);
    return (job.state === JobState.SUCCEEDED || job.state === JobState.FAILED) && job;
  };
  const job = await waitFor(ended, { timeoutMs: PATIENCE_MS, intervalMs: 50, what: `the end of ${id}` });
  if (job.state === JobState.FAILED) throw new Error(`${id} failed: ${job.error}`);
  return job;
}

async function bytesOf(model: Digest): Promise<number> {
  const { layers } = readManifest((await system.artifacts.get(model)).manifest);
  return layers.find(({ mediaType }) => mediaType === mediaTypes.weights)?.size ?? 0;
}
