import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { canonicalRecipe, type Digest, digestOf, type Json, recipeKey } from "#libs/recipes";
import { Code, type RpcError } from "#libs/rpc";
import type { EvaluateRequestSchema } from "#proto/ratatouille/v1/evaluation_pb.ts";
import { publishPredictions } from "./testing/predictions.ts";
import { measureRecipe, startSystem, type TestSystem } from "./testing/system.ts";

type Request = MessageInitShape<typeof EvaluateRequestSchema>;

let system: TestSystem;
let predictions: Digest[];
let models: Digest[];
before(async () => {
  system = await startSystem();
  ({ predictions, models } = await publishPredictions(system));
});
after(() => system[Symbol.asyncDispose]());

test("a request has the key of the recipe that says the same", async () => {
  const cases: [Request, string, { [name: string]: Json } | undefined][] = [
    [{}, "accuracy", undefined],
    [{ measure: "calibration", bins: 15 }, "calibration", undefined],
    [{ measure: "calibration", bins: 4, equalMass: true }, "calibration", { bins: 4, mass: "equal" }],
    [{ measure: "ensemble", meanLogits: true }, "ensemble", { mean: "logits" }],
    [{ measure: "diversity" }, "diversity", undefined],
  ];
  for (const [request, measure, options] of cases) {
    const recipe = measureRecipe(predictions, measure, options);
    const { artifact } = await system.client.evaluate({ ...request, predictions });
    assert.equal(artifact?.recipeKey, recipeKey(recipe), measure);
    assert.equal((await system.client.evaluate({ recipe: canonicalRecipe(recipe) })).artifact?.digest, artifact?.digest);
  }
});

test("messages say what the JSON says", async () => {
  for (const measure of ["accuracy", "calibration", "diversity", "ensemble"]) {
    const { measured, result } = await system.client.evaluate({ predictions, measure });
    const said = JSON.parse(result);
    assert.equal(measured.case, measure);
    if (measured.case === "accuracy") {
      const { correct, count, loss, domains, meanAccuracy } = measured.value.predictions[1]!;
      assert.deepEqual([correct, count, domains.map((one) => one.domain)], [16n, 20n, ["art", "photo"]]);
      assert.deepEqual([loss, meanAccuracy], [said.predictions[1].loss, said.predictions[1].mean.accuracy]);
    }
    if (measured.case === "calibration") {
      const [{ ece, bins, domains } = assert.fail()] = measured.value.predictions;
      assert.deepEqual(
        [ece, bins.length, domains[1]?.brier],
        [said.predictions[0].ece, said.predictions[0].bins.length, said.predictions[0].domains[1].brier],
      );
      assert.equal(
        bins.reduce((sum, bin) => sum + bin.count, 0n),
        20n,
      );
    }
    if (measured.case === "diversity") assert.deepEqual([measured.value.ratioError, measured.value.pairs], [said.ratioError, 1n]);
    if (measured.case === "ensemble") assert.deepEqual([Number(measured.value.correct), measured.value.loss], [said.correct, said.loss]);
  }
});

test("what is wrong with a request is said of its field", async () => {
  const wrong: [Request, string][] = [
    [{}, "predictions"],
    [{ recipe: "{}", predictions }, "predictions"],
    [{ recipe: "{}", bins: 3 }, "bins"],
    [{ predictions: [predictions[0]!, "sha256:1"] }, "predictions[1]"],
    [{ predictions: [models[0]!] }, "predictions[0]"],
    [{ predictions, measure: "acuracy" }, "measure"],
    [{ predictions: predictions.slice(1), measure: "diversity" }, "predictions"],
    [{ predictions, bins: 4 }, "bins"],
    [{ predictions, measure: "calibration", bins: 1001 }, "bins"],
    [{ predictions, measure: "ensemble", equalMass: true }, "equal_mass"],
    [{ predictions, meanLogits: true }, "mean_logits"],
  ];
  for (const [request, field] of wrong) {
    const error = await refusal(request);
    assert.deepEqual([error.code, error.reason], [Code.INVALID_ARGUMENT, "EVALUATION_INVALID"], error.message);
    assert.equal(error.violations[0]?.field, field, error.message);
  }
  const missing = await refusal({ predictions: [digestOf("nowhere")] });
  assert.deepEqual([missing.code, missing.reason], [Code.NOT_FOUND, "ARTIFACT_NOT_FOUND"], missing.message);
});

async function refusal(request: Request): Promise<RpcError> {
  return system.client.evaluate(request).then(
    () => assert.fail("it should have failed"),
    (error: RpcError) => error,
  );
}
