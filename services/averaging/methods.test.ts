import assert from "node:assert/strict";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { MERGE_ARITHMETIC, type Method, methods, planMerge, runMerge } from "#libs/merging";
import { type ModelFiles, openModel } from "#libs/models";
import { type Digest, digestOf, type Json, layerOf, mediaTypes, type Recipe, readManifest } from "#libs/recipes";
import { Code, type RpcError } from "#libs/rpc";
import { type NarrowDtype, narrow, saveFloat32, writeSafetensors } from "#libs/tensors";
import { temporaryDirectory } from "#libs/testing";
import { averageRecipe, startSystem, type TestSystem } from "./testing/system.ts";

/** A model with two tensors of a type, all of its numbers above zero where `positive` (statistics). */
function model(seed: number, dtype: NarrowDtype = "F32", positive = false): Uint8Array {
  const tensor = (name: string, shape: number[]) => {
    const values = Float64Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => {
      const value = (((i + 1) * (seed + 3) * 7919) % 2003) / 1001.5 - 1;
      return positive ? Math.abs(value) + 0.1 : value;
    });
    const data = new Uint8Array(values.length * { F64: 8, F32: 4, F16: 2, BF16: 2 }[dtype]);
    narrow(dtype, values, data);
    return { name, dtype, shape, data };
  };
  return writeSafetensors([tensor("layers.0.weight", [8, 8]), tensor("layers.0.bias", [8])], { format: "pt" });
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

function recipeFor(
  { name, random }: Method,
  inputs: { [role: string]: Digest | Digest[] },
  parameters: { [name: string]: Json } = {},
): Recipe {
  const arithmetic = name === "linear" ? "exact-mean/1" : MERGE_ARITHMETIC;
  return { kind: "average", inputs, parameters: { method: name, ...parameters }, ...(random ? { seed: 5 } : {}), arithmetic };
}

/** Values for the parameters that have no default. */
function needed({ parameters }: Method): { [name: string]: Json } {
  const missing = parameters.filter((parameter) => parameter.default === undefined);
  const values = Object.fromEntries(missing.map(({ name, type }) => [name, type === "number" ? 0.5 : type === "integer" ? 1 : true]));
  return missing.length > 0 ? { parameters: values } : {};
}

test("every method runs by recipe, makes the bytes of the engine, and makes them again", async () => {
  await using system = await startSystem();
  await using directory = await temporaryDirectory();
  const files = [1, 2, 3].map((seed) => model(seed));
  const statistics = files.map((_, i) => model(10 + i, "F32", true));
  const foundation = model(0);
  const publish = async (all: Uint8Array[]) => {
    const digests: Digest[] = [];
    for (const file of all) digests.push(await system.publishModel(file));
    return digests;
  };
  const [published, measured, [base]] = [await publish(files), await publish(statistics), await publish([foundation])];
  const open = async (file: Uint8Array, name: string): Promise<ModelFiles> => {
    await mkdir(directory.path, { recursive: true });
    await writeFile(directory.join(name), file);
    return openModel(directory.join(name));
  };
  for (const method of methods) {
    if (method.statistics === "gram") continue;
    const count = Math.min(method.models.max, 3);
    const withBase = method.base === "required";
    const settings = needed(method);
    const recipe = recipeFor(
      method,
      {
        models: published.slice(0, count),
        ...(withBase ? { base: base! } : {}),
        ...(method.statistics ? { statistics: measured.slice(0, count) } : {}),
      },
      settings,
    );
    const { artifact } = await system.average(recipe);
    const models = await Promise.all(files.slice(0, count).map((file, i) => open(file, `m${i}.safetensors`)));
    const plan = planMerge({
      method: method.name,
      models,
      digests: files.slice(0, count).map(digestOf),
      ...(withBase ? { base: await open(foundation, "base.safetensors"), baseDigest: digestOf(foundation) } : {}),
      ...(method.statistics
        ? {
            statistics: await Promise.all(statistics.slice(0, count).map((file, i) => open(file, `s${i}.safetensors`))),
            statisticsDigests: statistics.slice(0, count).map(digestOf),
          }
        : {}),
      parametersOf: () => ({ merge: (settings["parameters"] ?? {}) as { [name: string]: number } }),
      single: `${method.name}.safetensors`,
      seed: 5,
    });
    await runMerge(plan, { directory: directory.path, signal: new AbortController().signal, fsync: false });
    const expected = new Uint8Array(await readFile(join(directory.path, `${method.name}.safetensors`)));
    assert.deepEqual(await weightsOf(system, artifact.manifest), expected, method.name);
    const again = await system.average(recipe, { reproduce: true });
    assert.equal(again.artifact.digest, artifact.digest, method.name);
  }
});

test("the type of the result is that of the recipe, or that of the models, and the config says so", async () => {
  await using system = await startSystem();
  const models = [await system.publishModel(model(1, "BF16")), await system.publishModel(model(2, "BF16"))];
  const precision = async (parameters: { [name: string]: Json }) => {
    const { artifact } = await system.average({ ...averageRecipe(models), parameters });
    const { config } = readManifest(artifact.manifest);
    return JSON.parse(new TextDecoder().decode(await system.artifacts.download(config.digest))).config.precision;
  };
  assert.equal(await precision({ method: "linear" }), "bfloat16");
  assert.equal(await precision({ method: "linear", dtype: "F16" }), "float16");
  assert.equal(await precision({ method: "uniform", dtype: "F32" }), "float32");
});

test("weights of a linear average are divided by their sum, and parameters hold for all models or for each", async () => {
  await using system = await startSystem();
  const one = (x: number) => saveFloat32(new Map([["w", { shape: [1], data: Float32Array.of(x) }]]), { format: "pt" });
  const models = [await system.publishModel(one(1)), await system.publishModel(one(5))];
  const value = async (parameters: { [name: string]: Json }) => {
    const { artifact } = await system.average(averageRecipe(models, { method: "linear", ...parameters }));
    return new DataView((await weightsOf(system, artifact.manifest)).slice(-4).buffer).getFloat32(0, true);
  };
  assert.equal(await value({ weights: [1, 3] }), 4);
  assert.equal(await value({ weights: [1, 3], parameters: { normalize: false } }), 16);
  assert.equal(await value({ parameters: { weight: [3, 1] } }), 2);
});

test("models of different foundation models are refused unless the caller says otherwise, or makes again what was made", async () => {
  await using system = await startSystem();
  const models = [await system.publishModel(model(1), { foundation: true }), await system.publishModel(model(2), { foundation: true })];
  const recipe = averageRecipe(models);
  const error = await rejection(system.average(recipe));
  assert.deepEqual([error.code, error.reason], [Code.FAILED_PRECONDITION, "INCOMPATIBLE_MODELS"]);
  assert.match(error.message, /come from different foundation models.*models\[0\].*models\[1\]/);
  const { artifact } = await system.average(recipe, { allowUnrelated: true });
  assert.equal((await system.average(recipe, { reproduce: true })).artifact.digest, artifact.digest);
});

test("members that do not fit into the room for them are refused with what there is, and what is not used makes room", async () => {
  const size = model(1).length;
  await using system = await startSystem({ scratchBytes: 2 * size });
  const models: Digest[] = [];
  for (let seed = 1; seed <= 4; seed++) models.push(await system.publishModel(model(seed)));
  const error = await rejection(system.average(averageRecipe(models)));
  assert.deepEqual([error.code, error.reason], [Code.RESOURCE_EXHAUSTED, "SCRATCH_FULL"]);
  assert.match(error.message, new RegExp(`there is room for ${2 * size}`));
  for (const pair of [models.slice(0, 2), models.slice(2), models.slice(1, 3)]) await system.average(averageRecipe(pair));
});

const INVALID: [string, (models: Digest[]) => Recipe, string, RegExp][] = [
  [
    "a parameter that the method has not",
    (models) => averageRecipe(models, { method: "linear", parameters: { denstiy: 1 } }),
    "recipe.parameters.parameters",
    /denstiy/,
  ],
  [
    "a list of another length",
    (models) => averageRecipe(models, { method: "linear", parameters: { weight: [1] } }),
    "recipe.parameters.parameters.weight",
    /1 values for 2/,
  ],
  [
    "parameters of a uniform average",
    (models) => averageRecipe(models, { parameters: { normalize: true } }),
    "recipe.parameters.parameters",
    /the method linear has/,
  ],
  [
    "a missing base",
    (models) => ({ ...averageRecipe(models, { method: "ties" }), arithmetic: MERGE_ARITHMETIC }),
    "recipe.inputs.base",
    /is missing; ties needs one/,
  ],
  [
    "the arithmetic of means for another method",
    (models) => averageRecipe(models, { method: "ties" }),
    "recipe.arithmetic",
    /averages with merge\/1 where the method is ties/,
  ],
  ["weights that sum to nothing", (models) => averageRecipe(models, { method: "linear", weights: [1, -1] }), "recipe", /sum to 0/],
];
test("recipes that a method cannot run are INVALID_ARGUMENT with the field", async () => {
  await using system = await startSystem();
  const models = [await system.publishModel(model(1)), await system.publishModel(model(2))];
  for (const [title, make, field, message] of INVALID) {
    const error = await rejection(system.average(make(models)));
    assert.deepEqual([error.code, error.reason], [Code.INVALID_ARGUMENT, "AVERAGE_INVALID"], title);
    assert.equal(error.violations[0]?.field, field, title);
    assert.match(error.violations[0]!.description, message, title);
  }
});
