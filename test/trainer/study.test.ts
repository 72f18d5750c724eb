import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { openPrediction } from "#libs/predictions";
import { arithmetics, type Digest, type Json, layerOf, type Measurement, mediaTypes, type Recipe, readManifest } from "#libs/recipes";
import { bytesSource } from "#libs/tensors";
import { deferred, temporaryDirectory, waitFor } from "#libs/testing";
import { AttemptOutcome, JobState, type SaveCheckpointRequest } from "#proto/ratatouille/v1/finetune_pb.ts";
import { domains as allDomains, classes, importPictures } from "./pictures.ts";
import { type System, startSystem, startTrainer } from "./system.ts";

// From pictures to a measurement, through all services and a real trainer: what a run is made of.

const heldOut = "noisy";
const seen = allDomains.filter((domain) => domain !== heldOut);
/** A network of which a step takes a moment, on the engine that is on every machine. */
const network = { name: "mlp", size: 16, options: { hidden: [16] } };
const needs = { backend: "wasm" };
const transform = { training: "none/1", validation: "none/1" };

type Changes = { readonly inputs?: Recipe["inputs"]; readonly seed?: number; readonly [parameter: string]: unknown };

/** A training on the domains that are not held out; `changes` replace parameters, inputs and the seed. */
function training({ inputs = {}, seed = 1, ...changes }: Changes): Recipe {
  const parameters = {
    ...{ network, classes: classes.length, domains: seen, steps: 40, batch: 4, transform },
    ...{ optimiser: { name: "adam", learningRate: 0.003 } },
    ...changes,
  };
  return { kind: "train", inputs, parameters: parameters as { [name: string]: Json }, seed, arithmetic: arithmetics.training };
}

function prediction(models: readonly Digest[], dataset: Digest, changes: { readonly [parameter: string]: Json } = {}): Recipe {
  const parameters = { network, classes: classes.length, domains: [heldOut], transform: transform.validation, ...changes };
  return { kind: "predict", inputs: { models, dataset }, parameters, arithmetic: arithmetics.training };
}

const measure = (predictions: readonly Digest[], name: string): Recipe => ({
  ...{ kind: "measure", inputs: { predictions }, parameters: { measure: name }, arithmetic: arithmetics.measuring },
});

const stack = new AsyncDisposableStack();
after(() => stack.disposeAsync());

type Trainer = ReturnType<typeof startTrainer>;
let start: (name: string) => Trainer;
let system: System;
let trainer: Trainer;
/** What is done with each checkpoint. */
let onCheckpoint = async (_: SaveCheckpointRequest): Promise<void> => undefined;
let dataset: Digest;
let split: Digest;

before(async () => {
  const directory = stack.use(await temporaryDirectory());
  system = stack.use(await startSystem(directory.path, { onCheckpoint: (saved) => onCheckpoint(saved) }));
  const env = {
    RATATOUILLE_CACHE_DIR: directory.join("cache"),
    RATATOUILLE_DISK_CACHE_MIB: "1",
    RATATOUILLE_CHECKPOINT_MS: "1",
  };
  start = (name) => stack.use(startTrainer(system.address, { ...env, RATATOUILLE_TRAINER_NAME: name }));
  trainer = start("trainer-1");
  const source = await importPictures(system.artifacts, 10);
  dataset = await system.make({ kind: "dataset", inputs: { source }, parameters: { generator: "image-shards/1" } });
  const parameters = { scheme: "domainbed/1", fraction: 0.2, trial: 0 };
  split = await system.make({ kind: "split", inputs: { dataset }, parameters });
});

async function openedPrediction({ artifacts }: System, digest: Digest) {
  const layer = layerOf(readManifest((await artifacts.get(digest)).manifest), mediaTypes.predictionLayer);
  return openPrediction(bytesSource(await artifacts.download(layer.digest)));
}

async function logitsOf(system: System, digest: Digest): Promise<Float32Array> {
  const opened = await openedPrediction(system, digest);
  assert.deepEqual([opened.rows, opened.classes, opened.domains], [30, 3, [heldOut]]);
  assert.deepEqual(
    [...(await opened.read("rows", 0, 30))],
    [...Array(30).keys()].map((row) => 60 + row),
  );
  return opened.read("logits", 0, 30);
}

const accuraciesOf = (found: Measurement) => {
  assert.ok(found.measure === "accuracy");
  return found.predictions.map(({ mean }) => mean.accuracy);
};

test("from pictures to measurements: a foundation, a probe, fine-tunings from it, their mean, predictions of all, and what they are worth", async () => {
  const foundation = await system.make(training({ inputs: { dataset }, domains: ["light"] }), needs);
  const probe = await system.make(training({ inputs: { dataset, split, weights: foundation }, trainable: "head", steps: 10 }), needs);
  const validated = { validate: { every: 10 }, keep: "best", headOnlySteps: 2 };
  const members: Digest[] = [];
  for (const seed of [1, 2])
    members.push(await system.make(training({ inputs: { dataset, split, weights: foundation, head: probe }, seed, ...validated }), needs));
  const { summary, layers, licences } = readManifest((await system.artifacts.get(members[0]!)).manifest);
  assert.deepEqual([summary["steps"], licences, layers.length], [42, ["CC0-1.0"], 2]);
  assert.ok((summary["validationAccuracy"] as number) > 0.9, JSON.stringify(summary));

  const mean: Recipe = {
    kind: "average",
    inputs: { models: members },
    parameters: { method: "linear" },
    arithmetic: arithmetics.averaging,
  };
  const average = await system.average(mean);
  const models = [average, ...members, foundation];
  const predictions: Digest[] = [];
  for (const model of models) predictions.push(await system.make(prediction([model], dataset), needs));
  // The trainer mixes what it has: the numbers are those of the published mean.
  const mixed = await system.make(prediction(members, dataset), needs);
  assert.deepEqual(await logitsOf(system, mixed), await logitsOf(system, predictions[0]!));
  const first = await system.make(prediction(members, dataset, { weights: [3, 0] }), needs);
  assert.deepEqual(await logitsOf(system, first), await logitsOf(system, predictions[1]!));

  // Each model has come to the trainer once: another mean of them moves none.
  const { id } = await system.submit(prediction(members, dataset, { weights: [1, 2] }), { needs });
  const { usage } = await system.reached(id, JobState.SUCCEEDED);
  const weights = layers.find(({ mediaType }) => mediaType === mediaTypes.weights);
  assert.ok(usage!.downloadedBytes > 0n && usage!.downloadedBytes < weights!.size, `${usage!.downloadedBytes} of ${weights!.size}`);

  // The pictures 7 and 8 of each class are held out, and nothing else is predicted.
  const items = { scheme: "items/1", fraction: 0.2, trial: 0, test: 0.2 };
  const held = await system.make({ kind: "split", inputs: { dataset }, parameters: items });
  const { inputs, ...tested } = prediction([average], dataset, { part: "test" });
  const made = await system.make({ ...tested, inputs: { ...inputs, split: held } }, needs);
  const opened = await openedPrediction(system, made);
  assert.deepEqual([...(await opened.read("rows", 0, opened.rows))], [67, 68, 77, 78, 87, 88]);

  const accuracies = accuraciesOf(await system.measure(measure(predictions, "accuracy")));
  assert.ok(accuracies[0]! >= 0.9, `the mean is right in ${accuracies[0]} of the pictures that are held out`);
  const ensemble = await system.measure(measure(predictions.slice(1, 3), "ensemble"));
  assert.ok(ensemble.measure === "ensemble" && ensemble.count === 30);
  const said = readManifest((await system.artifacts.get(predictions[0]!)).manifest).summary;
  assert.deepEqual([said["rows"], said["accuracy"]], [30, accuracies[0]]);
});

test("what a training or a prediction cannot do is said in one sentence, at once", async () => {
  const subset = { generator: "subset/1", domains: ["dark", "light"] };
  const other = await system.make({ kind: "dataset", inputs: { source: dataset }, parameters: subset });
  const wide = await system.make(
    training({ inputs: { dataset }, network: { name: "mlp", size: 16, options: { hidden: [4] } }, steps: 1 }),
    needs,
  );
  const large = { name: "mlp", size: 16, options: { hidden: [2048] } };
  const heavy = await system.make(training({ inputs: { dataset }, network: large, steps: 1 }), needs);
  const cases: readonly (readonly [Recipe, RegExp])[] = [
    [training({ inputs: { dataset }, classes: 4 }), /parameters\.classes: is 4; the data set has 3 classes/],
    [
      training({ inputs: { dataset }, domains: ["lihgt"] }),
      /parameters\.domains\.0: the data set has no domain "lihgt"; did you mean light\?/,
    ],
    [training({ inputs: { dataset: other, split }, domains: ["dark"] }), /inputs\.split: is of another data set than inputs\.dataset/],
    [training({ inputs: { dataset, weights: wide } }), /fc1/],
    [training({ inputs: { dataset: wide } }), /inputs\.dataset: expected a dataset, got a model/],
    [training({ inputs: { dataset }, network: { name: "mlp", size: 28 } }), /28/],
    [prediction([dataset], dataset), /inputs\.models: expected a model, got a dataset/],
    [prediction([wide], dataset), /fc1/],
    // What this trainer lacks, where no other one is there.
    [training({ inputs: { dataset, weights: heavy }, network: large, steps: 1 }), /more than the 1\.0 MB .* --disk-cache/],
  ];
  for (const [recipe, message] of cases) {
    const { id } = await system.submit(recipe, { needs });
    const { error, attempt } = await system.reached(id, JobState.FAILED);
    assert.match(error, message);
    assert.equal(attempt, 1, error);
  }
});

test("a training whose trainer is killed goes on at its checkpoint, and comes to what it would have come to", async () => {
  const killed = deferred<number>();
  onCheckpoint = async ({ jobId, step }) => {
    // One that has not opened its stream is missed only when its lease ends.
    await waitFor(async () => (await system.job(jobId)).progress, { what: "the stream of its reports" });
    await trainer.kill("SIGKILL");
    killed.resolve(step);
  };
  const recipe = training({
    inputs: { dataset, split },
    ...{ steps: 30, validate: { every: 1 }, keep: "best", dropout: 0.1, headOnlySteps: 3 },
  });
  const { id } = await system.submit(recipe, { needs });
  const step = await killed.promise;
  start("trainer-2");
  const job = await system.reached(id, JobState.SUCCEEDED);
  const { LOST, COMPLETED } = AttemptOutcome;
  assert.deepEqual(
    job.attempts.map(({ outcome, fromStep }) => [outcome, fromStep]),
    [
      [LOST, 0],
      [COMPLETED, step],
    ],
  );
  assert.equal(job.trainer, "trainer-2");
  const again = await system.submit(recipe, { runId: "reproduction", reproduce: true, needs });
  const reproduced = await system.reached(again.id, JobState.SUCCEEDED);
  // One engine on one machine: the same bytes, though the arithmetic does not promise them.
  assert.deepEqual([reproduced.artifact, reproduced.summary], [job.artifact, job.summary]);
});
