import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeDataset, generateGlyphs } from "#libs/datasets";
import { initialise, networkOf } from "#libs/networks";
import { arithmetics, canonicalRecipe, type Digest, type GlyphsParameters, mediaTypes, type Recipe } from "#libs/recipes";
import { Code, isRpcError } from "#libs/rpc";
import { saveWeights } from "#libs/tensors";
import { waitFor } from "#libs/testing";
import { JobState } from "#proto/ratatouille/v1/finetune_pb.ts";
import type { Reproduction } from "#proto/ratatouille/v1/recycling_pb.ts";
import { startSystem, type TestSystem } from "../testing/system.ts";

const trainer = {
  ...{ id: "somebody", name: "somebody", device: "cpu", memoryMib: 64_000, kinds: ["train", "dataset"] },
  engines: [
    { name: "abacus", device: "cpu", arithmetics: [arithmetics.training], networks: ["mlp"] },
    { name: "cpu", device: "cpu" },
  ],
};

type Summary = { readonly [name: string]: number };

/** A data set of nothing much. */
async function publishDataset(system: TestSystem): Promise<Digest> {
  const parameters: GlyphsParameters = {
    ...{ generator: "glyphs/1", classes: 2, images: 2 },
    ...{ styles: ["plain"], rotation: 0, alphabetSeed: 1 },
  };
  const recipe: Recipe = { kind: "dataset", inputs: {}, parameters, seed: 1 };
  const { job } = await system.finetune.submitJob({ recipe: canonicalRecipe(recipe), runId: "run" });
  const content = encodeDataset(generateGlyphs(parameters, 1));
  return (await complete(system, job!.id, { role: "data", content })) as Digest;
}

/** Does a job as a trainer does it: what comes out is said, not computed. Waits for the job to be there. */
async function complete(
  system: TestSystem,
  jobId: string,
  { role, content, summary }: { role: string; content: Uint8Array; summary?: Summary },
): Promise<string> {
  const { finetune, artifacts } = system;
  const { attempt } = await finetune.beginAttempt({ jobId, trainer: "somebody", trainerId: "somebody" });
  const { digest, size } = await artifacts.upload(content, { mediaType: mediaTypes.sourceLayer });
  const outputs = [{ role, digest, sizeBytes: BigInt(size) }];
  const { job } = await finetune.completeAttempt({ jobId, attempt, outputs, summary: summary ? JSON.stringify(summary) : "" });
  return job!.artifact;
}

const network = { name: "mlp", size: 2, options: { hidden: [1] } };
const weightsOf = (seed: number) => saveWeights(initialise(networkOf("mlp", { ...network, classes: 2 }), seed));

let seeds = 0;

/** A training whose first run came to one summary, and whose second, by `reproduce`, comes to another. */
async function reproduced(system: TestSystem, dataset: Digest, first: Summary, second: Summary): Promise<Reproduction> {
  const { finetune, recycling } = system;
  const seed = ++seeds;
  const parameters = {
    ...{ network, classes: 2, domains: ["a"], steps: 10, batch: 2 },
    ...{ optimiser: { name: "adam", learningRate: 0.001 }, transform: { training: "none/1", validation: "none/1" } },
  };
  const recipe: Recipe = { kind: "train", inputs: { dataset }, parameters, seed, arithmetic: arithmetics.training };
  const { job } = await finetune.submitJob({ recipe: canonicalRecipe(recipe), runId: "run", needs: { backend: "abacus" } });
  const digest = await complete(system, job!.id, { role: "weights", content: weightsOf(1), summary: first });
  const done = doAgain(system, second);
  let result: Reproduction | undefined;
  for await (const { event } of recycling.reproduce({ digest }, { timeoutMs: 30_000 })) if (event.case === "result") result = event.value;
  await done;
  assert.equal(result?.expected, digest);
  return result;
}

/** Does the job of a reproduction once it is there: on the engine that the trainer has. */
async function doAgain(system: TestSystem, summary: Summary): Promise<void> {
  const queued = async () => (await system.finetune.listJobs({ states: [JobState.QUEUED] })).jobs.find(({ id }) => id.includes("-r"));
  const job = await waitFor(queued, { what: "the job of the reproduction" });
  assert.equal(job.needs?.backend, "abacus");
  await complete(system, job.id, { role: "weights", content: weightsOf(2), summary });
}

test("an approximate recipe is reproduced where the metrics are as good, within a tolerance that is said", async () => {
  await using system = await startSystem();
  await system.finetune.announceTrainer({ trainer });
  const dataset = await publishDataset(system);
  const first = { steps: 10, bestStep: 7, validationAccuracy: 0.8, finalLoss: 0.5 };
  const good = await reproduced(system, dataset, first, { ...first, bestStep: 9, validationAccuracy: 0.81, finalLoss: 0.46 });
  assert.notEqual(good.actual, good.expected);
  assert.deepEqual([good.same, good.approximate], [true, true]);
  assert.deepEqual(
    good.metrics.map(({ name, expected, actual, tolerance, same }) => [name, expected, actual, tolerance, same]),
    [
      ["validationAccuracy", 0.8, 0.81, 0.02, true],
      ["finalLoss", 0.5, 0.46, 0.05, true],
    ],
  );
  const worse = await reproduced(system, dataset, first, { ...first, validationAccuracy: 0.7 });
  assert.deepEqual([worse.same, worse.metrics.map(({ same }) => same)], [false, [false, true]]);
  const silent = await reproduced(system, dataset, { steps: 10 }, first);
  assert.deepEqual([silent.same, silent.metrics], [false, []]);
  // Nothing of it is published.
  await assert.rejects(system.artifacts.get(good.actual), (error) => isRpcError(error, Code.NOT_FOUND));
});
