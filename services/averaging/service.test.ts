import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { after, test } from "node:test";
import { canonicalRecipe, type Digest, layerOf, mediaTypes, type Recipe, readManifest, recipeKey } from "#libs/recipes";
import { Code, type RpcError } from "#libs/rpc";
import { loadFloat32, saveFloat32 } from "#libs/tensors";
import { waitFor } from "#libs/testing";
import { ArtifactKind } from "#proto/ratatouille/v1/artifact_pb.ts";
import { averageRecipe, startSystem, type TestSystem } from "./testing/system.ts";

/** A small model whose numbers are `x` and simple functions of it. */
function model(x: number, classes = 3): Uint8Array {
  const tensor = (shape: number[], value: (i: number) => number) => {
    return { shape, data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => value(i)) };
  };
  return saveFloat32(
    new Map([
      ["fc1.weight", tensor([4, 256], (i) => x + i / 7)],
      ["fc1.bias", tensor([4], (i) => x * i)],
      ["head.weight", tensor([classes, 4], (i) => x - i)],
      ["head.bias", tensor([classes], () => x)],
    ]),
  );
}

async function publishAll(system: TestSystem, ...values: number[]): Promise<Digest[]> {
  const digests: Digest[] = [];
  for (const value of values) digests.push(await system.publishModel(model(value)));
  return digests;
}

async function weightsOf(system: TestSystem, manifest: Uint8Array): Promise<Uint8Array> {
  return system.artifacts.download(layerOf(readManifest(manifest), mediaTypes.weights).digest);
}

async function rejection(promise: Promise<unknown>): Promise<RpcError> {
  return promise.then(
    () => assert.fail("it should have failed"),
    (error: RpcError) => error,
  );
}

test("an average is published with its recipe, its licences and the mean of the weights", async () => {
  await using system = await startSystem();
  const models = [...(await publishAll(system, 1, 2)), await system.publishModel(model(4.5), { licence: "MIT" })];
  const recipe = averageRecipe(models);
  const { progress, artifact } = await system.average(recipe);
  assert.equal(artifact.kind, ArtifactKind.MODEL);
  assert.equal(artifact.recipeKey, recipeKey(recipe));
  assert.deepEqual(artifact.inputs, models);
  assert.deepEqual(await system.artifacts.get(artifact.digest), artifact);
  const manifest = readManifest(artifact.manifest);
  assert.deepEqual(manifest.licences, ["Apache-2.0", "MIT"]);
  assert.equal(canonicalRecipe(manifest.recipe), canonicalRecipe(recipe));
  const averaged = loadFloat32(await weightsOf(system, artifact.manifest));
  assert.deepEqual([...averaged.get("head.bias")!.data], [2.5, 2.5, 2.5]);
  assert.deepEqual([...averaged.get("fc1.bias")!.data], [0, 2.5, 5, 7.5]);
  const config = JSON.parse(new TextDecoder().decode(await system.artifacts.download(manifest.config.digest)));
  assert.deepEqual([config.config.architecture, config.config.paramSize], ["mlp", String(4 * 256 + 4 + 12 + 3)]);
  const read = progress.at(-1)!;
  assert.deepEqual([read.readBytes, read.totalBytes], [3n * 4n * 1043n, 3n * 4n * 1043n]);
});

test("the order of the members changes the recipe, not the weights", async () => {
  await using system = await startSystem();
  const models = await publishAll(system, 0.1, 0.7, 1e-9, -3);
  const [forward, backward] = [await system.average(averageRecipe(models)), await system.average(averageRecipe(models.toReversed()))];
  assert.notEqual(forward.artifact.digest, backward.artifact.digest);
  assert.deepEqual(await weightsOf(system, forward.artifact.manifest), await weightsOf(system, backward.artifact.manifest));
});

test("weights are used as they are", async () => {
  await using system = await startSystem();
  const models = await publishAll(system, 1, 2);
  const { artifact } = await system.average(averageRecipe(models, { method: "weighted", weights: [3, -0.5] }));
  const averaged = loadFloat32(await weightsOf(system, artifact.manifest));
  assert.deepEqual([...averaged.get("head.bias")!.data], [2, 2, 2]);
});

test("tensors can be left out, so that models with different heads have an average", async () => {
  await using system = await startSystem();
  const models = [await system.publishModel(model(1, 10)), await system.publishModel(model(3, 5))];
  const { artifact } = await system.average(averageRecipe(models, { exclude: ["head.weight", "head.bias"] }));
  const averaged = loadFloat32(await weightsOf(system, artifact.manifest));
  assert.deepEqual([...averaged.keys()], ["fc1.bias", "fc1.weight"]);
  assert.deepEqual([...averaged.get("fc1.bias")!.data], [0, 2, 4, 6]);
});

test("a recipe that has an artifact is answered from the catalog, and equal recipes at the same time are computed once", async () => {
  await using system = await startSystem();
  const recipe = averageRecipe(await publishAll(system, 1, 2));
  const together = await Promise.all([1, 2, 3].map(() => system.average(recipe)));
  const later = await system.average(recipe);
  assert.equal(new Set([...together, later].map(({ artifact }) => artifact.digest)).size, 1);
  assert.equal(await system.logged("averaged"), 1);
  assert.deepEqual(later.progress, []);
});

test("reproduce computes again, gives the same artifact, and publishes nothing", async () => {
  await using system = await startSystem();
  const recipe = averageRecipe(await publishAll(system, 1, 2));
  const before = await system.average(recipe, { reproduce: true });
  assert.equal(await system.artifacts.findByRecipe(recipe), undefined);
  await assert.rejects(weightsOf(system, before.artifact.manifest), (error) => (error as RpcError).code === Code.NOT_FOUND);
  const published = await system.average(recipe);
  const after = await system.average(recipe, { reproduce: true });
  const unpublished = { ...published.artifact, publishedAtMs: 0n };
  assert.deepEqual([before.artifact, after.artifact], [unpublished, unpublished]);
  assert.equal(await system.logged("averaged"), 3);
});

test("models that do not fit are refused, every tensor is named, and nothing is published", async () => {
  await using system = await startSystem();
  const recipe = averageRecipe([await system.publishModel(model(1, 10)), await system.publishModel(model(1, 5))]);
  const error = await rejection(system.average(recipe));
  assert.deepEqual([error.code, error.reason], [Code.FAILED_PRECONDITION, "INCOMPATIBLE_MODELS"]);
  assert.match(error.message, /"head\.bias": F32 \[10\] in models\[0\]; F32 \[5\] in models\[1\]/);
  assert.match(error.message, /"head\.weight": F32 \[10, 4\] in models\[0\]; F32 \[5, 4\] in models\[1\]/);
  assert.doesNotMatch(error.message, /fc1/);
  assert.equal(await system.artifacts.findByRecipe(recipe), undefined);
});

test("a list of very many tensors still arrives, and says how many there are", async () => {
  await using system = await startSystem();
  const many = (size: number) => {
    const names = Array.from({ length: 2000 }, (_, i) => `layers.${i}.a-rather-long-name.weight`);
    return saveFloat32(new Map(names.map((name) => [name, { shape: [size], data: new Float32Array(size) }])));
  };
  const error = await rejection(system.average(averageRecipe([await system.publishModel(many(1)), await system.publishModel(many(2))])));
  assert.equal(error.reason, "INCOMPATIBLE_MODELS");
  assert.match(error.message, /^the models cannot be averaged: "layers\.0\..* \| … and 1990 more$/);
});

test("models of different architectures are refused, even if their tensors are alike", async () => {
  await using system = await startSystem();
  const models = [await system.publishModel(model(1)), await system.publishModel(model(2), { architecture: "cnn" })];
  const error = await rejection(system.average(averageRecipe(models)));
  assert.equal(error.reason, "INCOMPATIBLE_MODELS");
  assert.match(error.message, /mlp in models\[0\]; cnn in models\[1\]/);
});

test("a model with NaN is named with tensor and element, and nothing is published", async () => {
  await using system = await startSystem();
  const bad = saveFloat32(
    new Map([...loadFloat32(model(1))].map(([name, { shape, data }]) => [name, { shape, data: data.with(2, Number.NaN) }])),
  );
  const recipe = averageRecipe([...(await publishAll(system, 1)), await system.publishModel(bad)]);
  const error = await rejection(system.average(recipe));
  assert.deepEqual([error.code, error.reason], [Code.FAILED_PRECONDITION, "NOT_FINITE"]);
  assert.match(error.message, /tensor "fc1\.bias" is not finite at \[2\]: models\[1\] has NaN there/);
  assert.equal(await system.artifacts.findByRecipe(recipe), undefined);
});

test("a damaged model is said to be damaged, and is not used", async () => {
  await using system = await startSystem();
  const models = await publishAll(system, 1, 2);
  const { digest } = layerOf(readManifest((await system.artifacts.get(models[1]!)).manifest), mediaTypes.weights);
  const bytes = await readFile(system.blobPath(digest));
  bytes[bytes.length - 1]! ^= 1;
  await writeFile(system.blobPath(digest), bytes);
  const error = await rejection(system.average(averageRecipe(models)));
  assert.ok(error.code === Code.DATA_LOSS || error.code === Code.NOT_FOUND, error.message);
  assert.ok(error.message.includes(digest) || error.message.includes(models[1]!), error.message);
});

test("an average that nobody waits for any more stops, and can be asked for again", async () => {
  await using system = await startSystem();
  const large = (x: number) => saveFloat32(new Map([["w", { shape: [2 ** 22], data: new Float32Array(2 ** 22).fill(x) }]]));
  const recipe = averageRecipe([await system.publishModel(large(1)), await system.publishModel(large(2))]);
  for await (const _ of system.client.average({ recipe: JSON.stringify(recipe) }, { timeoutMs: 60_000 })) break;
  await waitFor(async () => (await system.logged("average stopped")) === 1, { what: "the average to stop" });
  assert.equal(await system.logged("averaged"), 0);
  const { artifact } = await system.average(recipe);
  assert.equal(loadFloat32(await weightsOf(system, artifact.manifest)).get("w")!.data[2 ** 22 - 1], 1.5);
});

const one = (system: TestSystem) => publishAll(system, 1);
const two = (system: TestSystem) => publishAll(system, 1, 2);
const INVALID: [string, (system: TestSystem) => Promise<Recipe | string>, string, RegExp][] = [
  ["text that is not JSON", async () => "{", "recipe", /not JSON/],
  [
    "a recipe of another kind",
    async () => ({
      kind: "dataset",
      inputs: {},
      parameters: { generator: "glyphs/1", classes: 2, images: 2, styles: ["plain"], rotation: 0, alphabetSeed: 1 },
      seed: 1,
    }),
    "recipe.kind",
    /is dataset; it has to be average/,
  ],
  ["no models", async () => averageRecipe([]), "recipe.inputs.models", /at least one digest/],
  [
    "an unknown method",
    async (s) => averageRecipe(await one(s), { method: "medain" }),
    "recipe.parameters.method",
    /is "medain"; this server knows.* median,/,
  ],
  [
    "weights of another number",
    async (s) => averageRecipe(await two(s), { method: "weighted", weights: [1] }),
    "recipe.parameters.weights",
    /are 1 for 2 models/,
  ],
  [
    "a weighted average without weights",
    async (s) => averageRecipe(await two(s), { method: "weighted" }),
    "recipe.parameters.weights",
    /are 0 for 2 models/,
  ],
  ["weights for a uniform average", async (s) => averageRecipe(await two(s), { weights: [1, 2] }), "recipe.parameters.weights", /uniform/],
  [
    "excluded tensors that do not exist",
    async (s) => averageRecipe(await two(s), { exclude: ["haed.weight"] }),
    "recipe.parameters.exclude",
    /"haed\.weight", which no model has/,
  ],
  [
    "all tensors excluded",
    async (s) => averageRecipe(await one(s), { exclude: ["fc1.weight", "fc1.bias", "head.weight", "head.bias"] }),
    "recipe.parameters.exclude",
    /leaves no tensor/,
  ],
  [
    "another arithmetic",
    async (s) => ({ ...averageRecipe(await two(s)), arithmetic: "exact-mean/0" }),
    "recipe.arithmetic",
    /exact-mean\/0; this server averages with/,
  ],
  [
    "a data set among the models",
    async (s) => averageRecipe([...(await one(s)), s.dataset]),
    "recipe.inputs.models[1]",
    /is a dataset; it has to be a model/,
  ],
  [
    "more models than are averaged at once",
    async (s) => averageRecipe(Array(1001).fill((await one(s))[0]!)),
    "recipe.inputs.models",
    /are 1001; at most 1000 are averaged at once/,
  ],
  [
    "a parameter that every object has",
    async (s) => ({ ...averageRecipe(await two(s)), parameters: { method: "linear", parameters: { constructor: 1 } } }),
    "recipe.parameters.parameters",
    /constructor is a name that every object has/,
  ],
  [
    "a weight that is no number",
    async (s) => JSON.stringify(averageRecipe(await two(s), { method: "weighted", weights: [7, 1] })).replace("7,", "1e999,"),
    "recipe.parameters.weights.0",
    /expected a finite number/,
  ],
  [
    "half a character in a name",
    async (s) => JSON.stringify(averageRecipe(await two(s), { method: "uniform", exclude: ["X"] })).replace('"X"', '"\\ud800"'),
    "recipe.parameters.exclude.0",
    /half of a surrogate pair/,
  ],
  ["an emoji for a recipe", async () => "😀", "recipe", /not JSON/],
];
const refusing = startSystem();
after(async () => (await refusing)[Symbol.asyncDispose]());

for (const [name, makeRecipe, field, message] of INVALID) {
  test(`${name}: INVALID_ARGUMENT for ${field}`, async () => {
    const system = await refusing;
    const error = await rejection(system.average(await makeRecipe(system)));
    assert.deepEqual([error.code, error.reason], [Code.INVALID_ARGUMENT, "AVERAGE_INVALID"], error.message);
    assert.equal(error.violations[0]?.field, field);
    assert.match(error.violations[0]!.description, message);
  });
}

test("an unknown model is NOT_FOUND and named", async () => {
  await using system = await startSystem();
  const unknown: Digest = `sha256:${"0".repeat(64)}`;
  const error = await rejection(system.average(averageRecipe([...(await one(system)), unknown])));
  assert.equal(error.code, Code.NOT_FOUND);
  assert.ok(error.message.includes(unknown));
});
