import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeDataset, generateGlyphs } from "#libs/datasets";
import { initialise, networkOf } from "#libs/networks";
import { arithmetics, type Digest, type GlyphsParameters, layerOf, mediaTypes, type Recipe, readManifest } from "#libs/recipes";
import { Code, isRpcError } from "#libs/rpc";
import { saveWeights } from "#libs/tensors";
import { AttemptOutcome, JobState } from "#proto/ratatouille/v1/finetune_pb.ts";
import { recipeOf, type System, startSystem } from "./system.ts";

const refused = (code: Code, reason: string, field?: string) => (error: unknown) => {
  assert.ok(isRpcError(error, code, reason), String(error));
  if (field !== undefined) assert.equal(error.violations[0]?.field, field);
  return true;
};

const network = { name: "mlp", size: 4, options: { hidden: [2] } };

/** A training of a network, on a data set that is published. */
function trainingOn(dataset: Digest, seed = 1): Recipe {
  const parameters = {
    network,
    classes: 3,
    domains: ["a"],
    optimiser: { name: "adam", learningRate: 1e-3 },
    steps: 10,
    batch: 4,
    transform: { training: "none/1", validation: "none/1" },
  };
  return { kind: "train", inputs: { dataset }, seed, arithmetic: arithmetics.training, parameters };
}

const weightsOf = (seed: number) => saveWeights(initialise(networkOf("mlp", { ...network, classes: 3 }), seed));
const glyphs = (seed: number) => encodeDataset(generateGlyphs(recipeOf(1).parameters as GlyphsParameters, seed));

async function uploaded(system: System, role: string, bytes: Uint8Array) {
  const { digest, size } = await system.artifacts.upload(bytes, { mediaType: mediaTypes.sourceLayer });
  return { role, digest, sizeBytes: BigInt(size) };
}

/** Begins an attempt at a recipe; with what completes it. */
async function begun(system: System, recipe: Recipe, options: { runId?: string; reproduce?: boolean } = {}) {
  const { id } = await system.submit(recipe, options);
  const answer = await system.jobs.beginAttempt({ jobId: id, trainer: "t" });
  return { id, answer, attempt: { jobId: id, attempt: answer.attempt } };
}

test("the artifact of a training is made of its weights, its curve and its summary, with the licences of its inputs", async () => {
  await using system = await startSystem();
  const recipe = trainingOn(await system.publish(recipeOf(1)));
  const { answer, attempt } = await begun(system, recipe);
  // What a trainer of another language needs to know of its inputs.
  const [input, ...more] = answer.inputs;
  assert.deepEqual([input?.role, more], ["dataset", []]);
  const [layer] = input!.artifacts[0]!.layers;
  assert.deepEqual([layer?.mediaType, layer?.title], [mediaTypes.datasetLayer, "dataset.safetensors"]);
  assert.equal((await system.artifacts.download(layer!.digest)).length, Number(layer!.sizeBytes));
  const weights = await uploaded(system, "weights", weightsOf(1));
  const summary = { steps: 10, bestStep: 7, validationAccuracy: 0.5, trainLoss: 0.1 };
  const curve = { validation: [{ step: 10, accuracy: 0.5 }], loss: [] };
  const complete = () =>
    system.jobs.completeAttempt({
      ...attempt,
      outputs: [weights],
      summary: JSON.stringify(summary),
      curve: JSON.stringify(curve),
      cpuMs: 3n,
    });
  const { job } = await complete();
  assert.deepEqual([job?.state, JSON.parse(job!.summary)], [JobState.SUCCEEDED, summary]);
  const manifest = readManifest((await system.artifacts.get(job!.artifact)).manifest);
  assert.deepEqual([manifest.kind, manifest.recipe, manifest.summary], ["model", recipe, summary]);
  assert.equal(layerOf(manifest, mediaTypes.weights).digest, weights.digest);
  const training = await system.artifacts.download(layerOf(manifest, mediaTypes.document).digest);
  assert.deepEqual(JSON.parse(new TextDecoder().decode(training)), curve);
  const config = JSON.parse(new TextDecoder().decode(await system.artifacts.download(manifest.config.digest)));
  assert.deepEqual([config.config.architecture, config.config.paramSize, config.config.precision], ["mlp", "43", "float32"]);
});

test("of an approximate recipe the first publication counts: the second attempt's job takes it", async () => {
  await using system = await startSystem();
  const recipe = trainingOn(await system.publish(recipeOf(1)));
  const first = await begun(system, recipe);
  const reproduction = await begun(system, recipe, { runId: "again", reproduce: true });
  const made = async (seed: number) => ({
    outputs: [await uploaded(system, "weights", weightsOf(seed))],
    summary: "{}",
  });
  const { job } = await system.jobs.completeAttempt({ ...first.attempt, ...(await made(1)) });
  // As if that answer had been lost, and the attempt with it.
  await system.sql(`update jobs set state = 'running', artifact = '', live = '[{"attempt":1,"trainer":"t"}]' where id = '${first.id}'`);
  const { job: second } = await system.jobs.completeAttempt({ ...first.attempt, ...(await made(2)) });
  assert.deepEqual([second?.state, second?.artifact], [JobState.SUCCEEDED, job!.artifact]);
  // A reproduction says what it made itself, and how well that does.
  const { job: reproduced } = await system.jobs.completeAttempt({
    ...reproduction.attempt,
    ...(await made(3)),
    summary: '{"steps":10}',
  });
  assert.equal(reproduced?.state, JobState.SUCCEEDED);
  assert.notEqual(reproduced?.artifact, job!.artifact);
  assert.equal(reproduced?.summary, '{"steps":10}');
});

test("a job whose engine makes other bytes the second time has the artifact that is there, and does not fail", async () => {
  await using system = await startSystem();
  const recipe = recipeOf(1);
  const { id, attempt } = await begun(system, recipe);
  const complete = async (seed: number) =>
    system.jobs.completeAttempt({ ...attempt, outputs: [await uploaded(system, "data", glyphs(seed))] });
  const { job: first } = await complete(1);
  // As if the answer had been lost: the attempt makes it again, and its arithmetic is not what the recipe says.
  await system.sql(`update jobs set state = 'running', artifact = '', live = '[{"attempt":1,"trainer":"t"}]' where id = '${id}'`);
  await assert.rejects(complete(2), refused(Code.ALREADY_EXISTS, "RECIPE_NOT_REPRODUCED"));
  await system.jobs.failAttempt({ ...attempt, error: "the catalog has another artifact of the recipe" });
  await assert.rejects(system.begin(id), refused(Code.FAILED_PRECONDITION, "JOB_DONE"));
  const { job } = await system.jobs.getJob({ id });
  assert.deepEqual([job?.state, job?.artifact], [JobState.SUCCEEDED, first?.artifact]);
});

test("outputs that are not those of the recipe's kind are refused, and end the attempt", async () => {
  await using system = await startSystem();
  const dataset = await system.publish(recipeOf(1));
  const weights = await uploaded(system, "weights", weightsOf(1));
  const text = await uploaded(system, "weights", new TextEncoder().encode("these are no weights"));
  let seed = 1;
  for (const [field, request] of [
    ["outputs", { outputs: [] }],
    ["outputs", { outputs: [weights, weights] }],
    ["outputs", { outputs: [weights, { ...weights, role: "dessert" }] }],
    ["outputs", { outputs: [text] }],
    ["outputs", { outputs: [{ ...weights, digest: "sha256:1" }] }],
    ["outputs", { outputs: [{ ...weights, sizeBytes: weights.sizeBytes + 1n }] }],
    ["summary", { outputs: [weights], summary: "[]" }],
    ["summary", { outputs: [weights], summary: "{" }],
    ["curve", { outputs: [weights], curve: "{" }],
  ] as const) {
    const { id, attempt } = await begun(system, trainingOn(dataset, ++seed));
    const complete = (more: object) => system.jobs.completeAttempt({ ...attempt, ...more });
    await assert.rejects(complete(request), refused(Code.INVALID_ARGUMENT, "OUTPUTS_INVALID", field), JSON.stringify(field));
    const { job } = await system.jobs.getJob({ id });
    assert.deepEqual([job?.state, job?.attempts[0]?.outcome], [JobState.QUEUED, AttemptOutcome.FAILED]);
    assert.match(job!.error, new RegExp(`^${field}: `));
  }
});

test("an output that is not in the catalog is asked for, and the attempt goes on", async () => {
  await using system = await startSystem();
  const recipe = trainingOn(await system.publish(recipeOf(1)));
  const { attempt } = await begun(system, recipe);
  const weights = await uploaded(system, "weights", weightsOf(1));
  const nowhere = { ...weights, digest: `sha256:${"0".repeat(64)}` };
  const complete = (outputs: object[]) => system.jobs.completeAttempt({ ...attempt, outputs });
  await assert.rejects(complete([nowhere]), refused(Code.FAILED_PRECONDITION, "BLOB_MISSING"));
  assert.equal((await complete([weights])).job?.state, JobState.SUCCEEDED);
});
