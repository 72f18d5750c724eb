import assert from "node:assert/strict";
import { test } from "node:test";
import { splitDataset } from "#libs/datasets";
import { openBackend, predict, score } from "#libs/learning";
import { canonicalJson, digestOf, type EvaluateParameters, type Json } from "#libs/recipes";
import { InvalidEvaluationError } from "./errors.ts";
import { type EvaluationJob, runEvaluation } from "./run-evaluation.ts";
import { files, network, symbols } from "./testing/digits.ts";

const members = [0, 1, 2, 3].map((seed) => network(seed, [32, 16]));
const heldOut = symbols(60, 1);
const validation = [symbols(50, 2), symbols(43, 3)];

function job(parameters: Partial<EvaluateParameters>, changes: Partial<EvaluationJob> = {}): EvaluationJob {
  return {
    parameters: { measure: "accuracy", validationFraction: 0.2, ...parameters },
    backend: "wasm",
    models: members.map(files.model),
    heldOut: files.dataset(heldOut),
    validation: validation.map(files.dataset),
    ...changes,
  };
}

const measurements: Partial<EvaluateParameters>[] = [
  { measure: "accuracy" },
  { measure: "ensemble" },
  { measure: "barriers" },
  { measure: "interpolation", pairs: [[0, 3]], points: 4 },
  { measure: "diversity" },
  { measure: "greedy", scores: [0.1, 0.3, 0.2, 0.3] },
];

test("accuracy is that of the rows: all held-out ones, the first fifth of each validation set", async () => {
  const result = await runEvaluation(job({}));
  assert.ok(result.measure === "accuracy");
  const backend = await openBackend("wasm");
  for (const [index, weights] of members.entries()) {
    assert.deepEqual(result.models[index]?.heldOut, score(predict(backend, weights, heldOut.images), heldOut.labels));
    const own = validation.map((dataset) => splitDataset(dataset, 0.2).validation);
    const parts = own.map(({ images, labels }) => score(predict(backend, weights, images), labels));
    assert.equal(result.models[index]?.validation?.count, 10 + 8);
    assert.equal(
      result.models[index]?.validation?.correct,
      parts.reduce((sum, { correct }) => sum + correct, 0),
    );
  }
});

test("all measures together have fixed bytes, so every runtime gives the same", async () => {
  const results: Json[] = [];
  for (const parameters of measurements) results.push((await runEvaluation(job(parameters))) as unknown as Json);
  assert.equal(digestOf(canonicalJson(results)), "sha256:0b9a8cb988a4f02dba17ce8f60d23395fb875679abab4e86a90969e184ba5dbd");
});

test("the cpu backend agrees with wasm", async () => {
  const [wasm, cpu] = [await runEvaluation(job({})), await runEvaluation(job({}, { backend: "cpu" }))];
  assert.ok(wasm.measure === "accuracy" && cpu.measure === "accuracy");
  for (const [index, { heldOut: score }] of wasm.models.entries()) {
    assert.ok(Math.abs(score!.loss - cpu.models[index]!.heldOut!.loss) < 1e-5);
  }
});

test("a cancelled evaluation stops at the next forward pass", async () => {
  let passes = 0;
  const stop = () => {
    passes++;
    if (passes === 3) throw new Error("nobody waits");
  };
  await assert.rejects(runEvaluation(job({ measure: "barriers" }), stop), /nobody waits/);
  assert.equal(passes, 3);
});

const cut = (bytes: Uint8Array) => bytes.subarray(0, bytes.length - 4);
const broken = new Map(network(1, [32, 16])).set("fc2.weight", { shape: [16, 9], data: new Float32Array(144) });
const huge = new Map([...network(1, [32, 16])].map(([name, { shape, data }]) => [name, { shape, data: data.map(() => 3e38) }]));

for (const [what, changes, expected] of [
  ["a model cut short", { models: [cut(files.model(members[0]!))] }, /^recipe\.inputs\.models\[0\] cannot be read/],
  ["data cut short", { heldOut: cut(files.dataset(heldOut)) }, /^recipe\.inputs\.heldOut cannot be read/],
  ["a model as data", { validation: [files.model(members[0]!)] }, /^recipe\.inputs\.validation\[0\] cannot be read/],
  ["tensors that do not follow on one another", { models: [files.model(broken)] }, /^recipe\.inputs\.models cannot predict: fc2\.weight/],
  ["logits that overflow", { models: [files.model(huge)] }, /^recipe\.inputs\.models cannot predict: .*not finite/],
  [
    "too few rows for a validation row",
    { validation: [files.dataset(symbols(4, 1))] },
    /^recipe\.parameters\.validationFraction is too small/,
  ],
  [
    "no rows at all",
    { heldOut: files.dataset({ ...heldOut, images: new Float32Array(), labels: new Int32Array(), count: 0 }) },
    /has no rows/,
  ],
] as const) {
  test(`${what}: the field is named`, async () => {
    await assert.rejects(runEvaluation(job({}, changes)), (error: unknown) => {
      assert.ok(error instanceof InvalidEvaluationError, String(error));
      assert.match(error.message, expected);
      return true;
    });
  });
}
