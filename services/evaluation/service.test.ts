import assert from "node:assert/strict";
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import {
  canonicalJson,
  canonicalRecipe,
  type Digest,
  digestOf,
  type EvaluateParameters,
  type Json,
  layerOf,
  mediaTypes,
  type Recipe,
  readManifest,
  recipeKey,
} from "#libs/recipes";
import { Code, type RpcError } from "#libs/rpc";
import { ArtifactKind } from "#proto/ratatouille/v1/artifact_pb.ts";
import { runEvaluation } from "./run-evaluation.ts";
import { files, network, symbols } from "./testing/digits.ts";
import { evaluateRecipe, startSystem, type TestSystem } from "./testing/system.ts";

const weights = [0, 1, 2].map((seed) => network(seed, [32, 16]));
const [heldOut, validation] = [symbols(60, 1), symbols(50, 2)];

async function publishAll(system: TestSystem) {
  const data = await system.publishDataset(heldOut, 1);
  const pool = await system.publishDataset(validation, 2);
  const models: Digest[] = [];
  for (const [seed, model] of weights.entries()) models.push(await system.publishModel(model, { dataset: pool, seed }));
  return { models, heldOut: data, validation: [pool] };
}

const request = (recipe: Recipe, reproduce = false) => ({ recipe: canonicalRecipe(recipe), reproduce });

async function rejection(promise: Promise<unknown>): Promise<RpcError> {
  return promise.then(
    () => assert.fail("it should have failed"),
    (error: RpcError) => error,
  );
}

const measurements: Partial<EvaluateParameters>[] = [
  { measure: "accuracy" },
  { measure: "ensemble" },
  { measure: "barriers" },
  { measure: "interpolation", pairs: [[0, 2]], points: 3 },
  { measure: "diversity" },
  { measure: "greedy", scores: [0.1, 0.3, 0.2] },
];

test("each measure is computed in a worker, published with its recipe and licences, and the numbers are those of the bare computation", async () => {
  await using system = await startSystem();
  const inputs = await publishAll(system);
  for (const parameters of measurements) {
    const recipe = evaluateRecipe(inputs, parameters);
    const { artifact, result } = await system.client.evaluate(request(recipe));
    assert.equal(artifact?.kind, ArtifactKind.EVALUATION);
    assert.equal(artifact.recipeKey, recipeKey(recipe));
    const manifest = readManifest((await system.artifacts.get(artifact.digest)).manifest);
    assert.deepEqual([manifest.kind, manifest.licences], ["evaluation", ["Apache-2.0", "CC0-1.0"]]);
    assert.equal(canonicalRecipe(manifest.recipe), canonicalRecipe(recipe));
    const blob = await system.artifacts.download(layerOf(manifest, mediaTypes.evaluationLayer).digest);
    assert.equal(new TextDecoder().decode(blob), result);
    const bare = await runEvaluation({
      parameters: { measure: "accuracy", validationFraction: 0.2, ...parameters },
      backend: "wasm",
      models: weights.map(files.model),
      heldOut: files.dataset(heldOut),
      validation: [files.dataset(validation)],
    });
    assert.equal(result, canonicalJson(bare as unknown as Json));
  }
});

test("a recipe that has an artifact is answered from the catalog, and equal recipes at the same time are computed once", async () => {
  await using system = await startSystem();
  const recipe = evaluateRecipe(await publishAll(system), { measure: "barriers" });
  const together = await Promise.all([1, 2, 3].map(() => system.client.evaluate(request(recipe))));
  const later = await system.client.evaluate(request(recipe));
  assert.equal(new Set([...together, later].map(({ artifact, result }) => `${artifact?.digest} ${result}`)).size, 1);
  assert.equal(await system.measured(), 1);
});

test("reproduce computes again, gives the same digest, and publishes nothing", async () => {
  await using system = await startSystem();
  const recipe = evaluateRecipe(await publishAll(system));
  const dry = await system.client.evaluate(request(recipe, true));
  assert.equal(await system.artifacts.findByRecipe(recipe), undefined);
  const published = await system.client.evaluate(request(recipe));
  const again = await system.client.evaluate(request(recipe, true));
  const unpublished = { ...published.artifact, publishedAtMs: 0n };
  assert.deepEqual([dry.artifact, again.artifact], [unpublished, unpublished]);
  assert.deepEqual([dry.result, again.result], [published.result, published.result]);
  assert.equal(await system.measured(), 3);
});

test("a damaged result is computed again", async () => {
  await using system = await startSystem();
  const recipe = evaluateRecipe(await publishAll(system));
  const first = await system.client.evaluate(request(recipe));
  const name = digestOf(first.result).slice("sha256:".length);
  const entries = await readdir(system.directory, { recursive: true });
  const path = entries.find((entry) => entry.endsWith(name)) ?? assert.fail(`no file of blob ${name}`);
  await writeFile(join(system.directory, path), first.result.replace("accuracy", "ACCURACY"));
  const second = await system.client.evaluate(request(recipe));
  assert.equal(second.result, first.result);
  assert.equal(second.artifact?.digest, first.artifact?.digest);
  assert.equal(await system.measured(), 2);
  assert.equal((await system.client.evaluate(request(recipe))).result, first.result);
  assert.equal(await system.measured(), 2);
});

test("a call that is cancelled stops the work, and the next one starts anew", async () => {
  await using system = await startSystem();
  const { models, ...data } = await publishAll(system);
  const recipe = evaluateRecipe({ ...data, models: Array(40).fill(models).flat() }, { measure: "barriers" });
  const stop = new AbortController();
  const running = rejection(system.client.evaluate(request(recipe), { signal: stop.signal }));
  setImmediate(() => stop.abort());
  assert.equal((await running).code, Code.CANCELLED);
  const small = await system.client.evaluate(request(evaluateRecipe({ ...data, models })));
  assert.ok(small.artifact);
  assert.equal(await system.measured(), 1);
  assert.equal(await system.artifacts.findByRecipe(recipe), undefined);
});

test("a deadline stops the work: the only worker is free again", async () => {
  await using system = await startSystem({ workers: 1 });
  const { models, ...data } = await publishAll(system);
  // Almost 16,000 pairs: a minute of work.
  const recipe = evaluateRecipe({ ...data, models: Array(100).fill(models).flat().slice(0, 179) }, { measure: "barriers" });
  const error = await rejection(system.client.evaluate(request(recipe), { timeoutMs: 500 }));
  assert.equal(error.code, Code.DEADLINE_EXCEEDED);
  await system.client.evaluate(request(evaluateRecipe({ ...data, models })), { timeoutMs: 20_000 });
});

test("the event loop runs on while workers compute", async () => {
  await using system = await startSystem();
  const data = await system.publishDataset(symbols(450, 1), 1);
  const models: Digest[] = [];
  for (let seed = 0; seed < 20; seed++) models.push(await system.publishModel(network(seed), { dataset: data, seed }));
  let [last, longest] = [performance.now(), 0];
  const timer = setInterval(() => {
    longest = Math.max(longest, performance.now() - last);
    last = performance.now();
  }, 5);
  await system.client.evaluate(request(evaluateRecipe({ models, heldOut: data }, { measure: "barriers" })));
  clearInterval(timer);
  // The computation takes more than a second.
  assert.ok(longest < 500, `the event loop stood still for ${longest} ms`);
});

test("wrong requests are INVALID_ARGUMENT and name their fields", async () => {
  await using system = await startSystem();
  const inputs = await publishAll(system);
  const small = await system.publishModel(network(9, [32, 16], 4), { dataset: inputs.heldOut, seed: 9 });
  const wide = await system.publishModel(network(9, [40, 16]), { dataset: inputs.heldOut, seed: 10 });
  const text = canonicalRecipe(evaluateRecipe(inputs));
  const cases: [recipe: string, ...fields: string[]][] = [
    ["", "predictions"],
    ["{", "recipe"],
    ["[]", "recipe"],
    [text.replace("accuracy", "charm"), "recipe.parameters.measure"],
    [text.replace("evaluate", "average"), "recipe.inputs.heldOut"],
    [canonicalRecipe({ ...evaluateRecipe(inputs), inputs: { ...inputs, models: [] } }), "recipe.inputs.models"],
    [canonicalRecipe(evaluateRecipe(inputs, { measure: "greedy", scores: [1] })), "recipe.parameters.scores"],
    [canonicalRecipe(evaluateRecipe({ ...inputs, models: [small] })), "recipe.inputs.models[0]", "recipe.inputs.models[0]"],
    [canonicalRecipe(evaluateRecipe({ ...inputs, models: [inputs.models[0]!, wide] })), ...Array(3).fill("recipe.inputs.models[1]")],
    [canonicalRecipe(evaluateRecipe({ ...inputs, models: [inputs.heldOut] })), "recipe.inputs.models[0]"],
    [canonicalRecipe(evaluateRecipe({ ...inputs, heldOut: inputs.models[0]! })), "recipe.inputs.heldOut"],
  ];
  for (const [recipe, ...fields] of cases) {
    const error = await rejection(system.client.evaluate({ recipe }));
    assert.equal(error.code, Code.INVALID_ARGUMENT, error.message);
    assert.equal(error.reason, "EVALUATION_INVALID");
    assert.deepEqual(
      error.violations.map(({ field }) => field),
      fields,
      recipe,
    );
  }
  assert.equal(await system.measured(), 0);
});

test("an unknown input is NOT_FOUND and named", async () => {
  await using system = await startSystem();
  const inputs = await publishAll(system);
  const unknown = digestOf("nothing");
  const error = await rejection(system.client.evaluate(request(evaluateRecipe({ ...inputs, models: [unknown] }))));
  assert.equal(error.code, Code.NOT_FOUND);
  assert.ok(error.message.includes(unknown), error.message);
});
