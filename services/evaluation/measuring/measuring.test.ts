import assert from "node:assert/strict";
import { test } from "node:test";
import { canonicalRecipe, type Digest, digestOf, type Measurement, type Recipe, readManifest } from "#libs/recipes";
import { Code, type RpcError } from "#libs/rpc";
import { ArtifactKind } from "#proto/ratatouille/v1/artifact_pb.ts";
import { symbols } from "../testing/digits.ts";
import { prediction, publishPredictions } from "../testing/predictions.ts";
import { measureRecipe, startSystem, type TestSystem } from "../testing/system.ts";

async function measured(system: TestSystem, recipe: Recipe, reproduce = false) {
  const { artifact, result } = await system.client.evaluate({ recipe: canonicalRecipe(recipe), reproduce });
  return { artifact, result: JSON.parse(result) as Measurement };
}

test("measures of predictions are published as evaluations with the licences of what went in, computed once, and reproduced", async () => {
  await using system = await startSystem();
  const { predictions } = await publishPredictions(system);
  for (const name of ["accuracy", "calibration", "diversity", "ensemble"]) {
    const recipe = measureRecipe(predictions, name);
    const { artifact, result } = await measured(system, recipe);
    assert.deepEqual([artifact?.kind, result.measure], [ArtifactKind.EVALUATION, name]);
    const manifest = readManifest((await system.artifacts.get(artifact!.digest)).manifest);
    assert.deepEqual([canonicalRecipe(manifest.recipe), manifest.licences], [canonicalRecipe(recipe), ["Apache-2.0"]]);
    assert.deepEqual(await measured(system, recipe), { artifact, result });
    assert.equal((await measured(system, recipe, true)).artifact?.digest, artifact?.digest);
  }
  assert.equal(await system.measured(), 8);
  const { result } = await measured(system, measureRecipe(predictions, "accuracy"));
  assert.ok(result.measure === "accuracy");
  assert.deepEqual(
    result.predictions.map(({ correct, count, domains }) => [correct, count, domains.map((own) => own.correct)]),
    [
      [15, 20, [7, 8]],
      [16, 20, [8, 8]],
    ],
  );
});

test("predictions of many rows are streamed", async () => {
  await using system = await startSystem();
  const { dataset, models } = await publishPredictions(system);
  // 3.2 MB of logits: several blocks.
  const large = prediction(10, { rows: 40_000, classes: 20 });
  const digest = await system.publishPrediction(large, { model: models[0]!, dataset, size: 32 });
  const { result } = await measured(system, measureRecipe([digest, digest], "ensemble"));
  assert.ok(result.measure === "ensemble");
  assert.deepEqual([result.correct, result.count], [36_000, 40_000]);
});

async function refused(system: TestSystem, recipe: object): Promise<RpcError> {
  const call = system.client.evaluate({ recipe: JSON.stringify(recipe) });
  return call.then(
    () => assert.fail("it should have failed"),
    (error: RpcError) => error,
  );
}

test("wrong requests are INVALID_ARGUMENT, name their fields, and say what would be right", async () => {
  await using system = await startSystem();
  const { dataset, models, predictions } = await publishPredictions(system);
  const [first = digestOf("")] = predictions;
  const model = models[0]!;
  const other = await system.publishDataset(symbols(30, 2), 2);
  const publish = (changes: Parameters<typeof prediction>[1], size: number, data = dataset) =>
    system.publishPrediction(prediction(4, changes), { model, dataset: data, size });
  const ofOther = await publish({}, 20, other);
  const ofOtherClasses = await publish({ classes: 4 }, 21);
  const ofOtherRows = await publish({ rows: 19 }, 22);
  const ofOtherDomains = await publish({ domains: ["art", "cartoon"] }, 23);
  const infinite = await publish({ logits: new Float32Array(60).fill(Number.POSITIVE_INFINITY) }, 24);
  const empty = await publish({ rows: 0 }, 25);
  const with_ = (digest: Digest) => measureRecipe([first, digest], "accuracy");
  const second = "recipe.inputs.predictions[1]";
  const cases: readonly [recipe: object, field: string, message: RegExp][] = [
    [
      measureRecipe([first], "acuracy"),
      "recipe.parameters.measure",
      /"acuracy", which this service cannot compute; did you mean accuracy\?/,
    ],
    [measureRecipe([first], "spread"), "recipe.parameters.measure", /it computes accuracy, calibration, diversity, ensemble/],
    [measureRecipe([first], "diversity"), "recipe.inputs.predictions", /has 1 prediction; diversity compares at least 2/],
    [measureRecipe([first], "accuracy", { bins: 3 }), "recipe.parameters.options", /accuracy has no options/],
    [measureRecipe([first], "calibration", { bins: 0 }), "recipe.parameters.options.bins", /expected >=1 but received 0/],
    [measureRecipe([first], "calibration", { bins: 15 }), "recipe.parameters.options.bins", /15, which is the default and not written/],
    [measureRecipe([first], "calibration", { mass: "unequal" }), "recipe.parameters.options.mass", /expected "equal"; bins of equal width/],
    [measureRecipe([first], "calibration", { bin: 3 }), "recipe.parameters.options.bin", /is no option of calibration/],
    [
      { ...measureRecipe([first], "accuracy"), arithmetic: "measure/9" },
      "recipe.arithmetic",
      /"measure\/9"; this service computes measure\/2/,
    ],
    [{ ...measureRecipe([first], "accuracy"), kind: "split" }, "recipe.inputs.dataset", /is missing/],
    [with_(model), second, /is of kind model; it has to be a prediction/],
    [with_(ofOther), second, /is of the data set sha256:.*; the first is of sha256:/],
    [with_(ofOtherClasses), second, /has 4 classes; the first has 3/],
    [with_(ofOtherRows), second, /has 19 rows; the first has 20/],
    [with_(ofOtherDomains), second, /is of the domains art, cartoon; the first is of art, photo/],
    [with_(infinite), second, /has Infinity among the logits of row 0; all have to be finite numbers/],
    [measureRecipe([empty], "accuracy"), "recipe.inputs.predictions[0]", /has no rows/],
  ];
  for (const [recipe, field, message] of cases) {
    const error = await refused(system, recipe);
    assert.deepEqual(
      [error.code, error.reason, error.violations[0]?.field],
      [Code.INVALID_ARGUMENT, "EVALUATION_INVALID", field],
      error.message,
    );
    assert.match(error.message, message);
  }
  const unknown = await refused(system, measureRecipe([digestOf("nothing")], "accuracy"));
  assert.equal(unknown.code, Code.NOT_FOUND);
  assert.equal(await system.measured(), 0);
});
