import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeDataset, parseIdx } from "#libs/datasets";
import { EngineMissingError, initialWeights, NonFiniteLossError, openBackend, predict, UnfitInputError } from "#libs/learning";
import { RecipeError } from "#libs/recipes";
import { dataLoss, notFound, resourceExhausted, unavailable } from "#libs/rpc";
import { loadFloat32, loadWeights, writeSafetensors } from "#libs/tensors";
import { isOfThisTrainer, isPassing, isPermanent } from "./failure.ts";
import { CacheFullError } from "./files/blob-files.ts";

const backend = await openBackend("cpu");
const weights = initialWeights({ features: 4, hidden: [3], classes: 2, initSeed: 1 });
const tensor = { shape: [1], data: new Float32Array(1) };

for (const [what, work] of [
  ["bytes that are no safetensors", () => decodeDataset(new Uint8Array(3))],
  ["safetensors that are no data set", () => decodeDataset(writeSafetensors([], { classes: "2" }))],
  ["an idx file that is cut short", () => parseIdx(new Uint8Array(2))],
  ["weights of another type", () => loadFloat32(writeSafetensors([{ name: "a", dtype: "I64", shape: [1], data: new Uint8Array(8) }]))],
  [
    "weights of a type that nobody computes with",
    () => loadWeights(writeSafetensors([{ name: "a", dtype: "C64", shape: [], data: new Uint8Array(8) }])),
  ],
  [
    "a tensor that the network has no place for",
    () => predict(backend, new Map([...weights, ["bn1.weight", tensor]]), new Float32Array(4)),
  ],
  ["a tensor that is missing", () => predict(backend, new Map([...weights].slice(0, 2)), new Float32Array(4))],
] as const) {
  test(`${what} will be so the next time`, () => {
    assert.throws(work, isPermanent);
  });
}

test("what is computed fails the same way every time; all else may pass", () => {
  for (const error of [new RecipeError("kind", "no"), new NonFiniteLossError(3, 0.1), new UnfitInputError("no")])
    assert.ok(isPermanent(error));
  const others = [new RangeError("Array buffer allocation failed"), new TypeError("a bug"), notFound("gone"), dataLoss("damaged"), "text"];
  for (const error of [...others, unavailable("nobody there")]) assert.ok(!isPermanent(error), String(error));
  assert.deepEqual(
    others.map(isPassing),
    others.map(() => false),
  );
  assert.ok(isPassing(unavailable("nobody there")));
  assert.ok(isPassing(resourceExhausted("no space left", { reason: "NO_SPACE" })));
});

test("what this trainer alone lacks is for others", () => {
  for (const error of [new CacheFullError("too much"), new EngineMissingError("not installed")])
    assert.deepEqual([isOfThisTrainer(error), isPermanent(error), isPassing(error)], [true, false, false]);
  assert.ok(!isOfThisTrainer(new TypeError("a bug")));
});
