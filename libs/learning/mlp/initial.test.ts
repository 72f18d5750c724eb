import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { sub } from "#libs/deterministic";
import { headWeights, initialWeights, openBackend, predict, predictions, score } from "../index.ts";

type Tensor = { shape: number[]; first: number[]; sum: number };
const reference = JSON.parse(readFileSync(new URL("../../../test/fixtures/digits/seed-10.json", import.meta.url), "utf8"));

test("the initialisation is the PyTorch reference's, transposed", () => {
  const weights = initialWeights({ hidden: [256, 128], classes: 100, initSeed: sub(10, 3) });
  assert.deepEqual([...weights.keys()], ["fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias", "head.weight", "head.bias"]);
  [...weights.values()].forEach(({ shape, data }, i) => {
    const expected: Tensor = reference.initialisation[i];
    assert.deepEqual([...shape].reverse(), expected.shape);
    const inputs = shape[1] ?? 1;
    // The reference lists numbers in [inputs, outputs] order; the first five are weights of the first input.
    assert.deepEqual(
      expected.first.map(Math.fround),
      expected.first.map((_, k) => data[k * inputs]),
    );
    assert.ok(Math.abs(data.reduce((sum, value) => sum + value, 0) - expected.sum) < 1e-3);
  });
});

test("a head is zero, or scaled", () => {
  const size = { features: 128, classes: 50, scale: 0.1, seed: 7 };
  for (const { data } of headWeights({ ...size, kind: "zeros" }).values()) assert.ok(data.every((value) => Object.is(value, 0)));
  const scaled = headWeights({ ...size, kind: "he" });
  const whole = initialWeights({ features: 128, hidden: [], classes: 50, initSeed: 7 });
  assert.deepEqual([...scaled.keys()], ["head.weight", "head.bias"]);
  assert.deepEqual(scaled.get("head.weight")?.shape, [50, 128]);
  scaled.get("head.weight")?.data.forEach((value, i) => {
    assert.equal(value, Math.fround(whole.get("head.weight")!.data[i]! * Math.fround(0.1)));
  });
});

test("predictions of wasm and cpu agree, in chunks of any size", async () => {
  const weights = initialWeights({ hidden: [32, 16], classes: 7, initSeed: 1 });
  const images = Float32Array.from({ length: 1100 * 256 }, (_, i) => (i % 97) / 97);
  const [wasm, cpu] = [predict(await openBackend("wasm"), weights, images), predict(await openBackend("cpu"), weights, images)];
  assert.equal(wasm.length, 7 * 1100);
  assert.ok(wasm.every((value, i) => Math.abs(value - cpu[i]!) < 1e-4));
  const alone = predict(await openBackend("wasm"), weights, images.subarray(1099 * 256));
  assert.deepEqual(alone, wasm.slice(7 * 1099));
});

test("a score counts right answers and means the cross-entropy", () => {
  const logits = new Float32Array([2, 0, 0, 0, 1, 0, 1, 1, 0]);
  assert.deepEqual([...predictions(logits, 3)], [0, 1, 0]);
  const { correct, count, loss } = score(logits, new Int32Array([0, 2, 1]));
  assert.deepEqual([correct, count], [1, 3]);
  const e = Math.E;
  const expected = (Math.log(e ** 2 + 2) - 2 + Math.log(e + 2) + Math.log(2 * e + 1) - 1) / 3;
  assert.ok(Math.abs(loss - expected) < 1e-12);
  assert.throws(() => score(logits, new Int32Array(4)), /9 logits do not belong to 4 labels/);
});
