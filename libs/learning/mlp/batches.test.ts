import assert from "node:assert/strict";
import { test } from "node:test";
import { drop, fillBatch } from "./batches.ts";

const numbered = (first: number, count: number) => ({
  images: Float32Array.from({ length: count * 2 }, (_, i) => first + Math.floor(i / 2)),
  labels: Int32Array.from({ length: count }, (_, i) => first + i),
  count,
});

test("a batch has as many examples of each data set, and images with their labels", () => {
  const datasets = [numbered(0, 10), numbered(100, 3)];
  const [images, labels] = [new Float32Array(2 * 40), new Int32Array(40)];
  fillBatch({ seed: 1, step: 1, perDataset: 20 }, datasets, images, labels);
  labels.forEach((label, row) => {
    assert.deepEqual([...images.subarray(2 * row, 2 * row + 2)], [label, label]);
    assert.ok(row < 20 ? label < 10 : label >= 100 && label < 103);
  });
});

test("over many steps every example is drawn alike", () => {
  const [images, labels] = [new Float32Array(2 * 20), new Int32Array(20)];
  const seen = new Float64Array(10);
  for (let step = 1; step <= 1000; step += 1) {
    fillBatch({ seed: 7, step, perDataset: 20 }, [numbered(0, 10)], images, labels);
    for (const label of labels) seen[label]! += 1;
  }
  // 20,000 draws, 2,000 expected each, standard deviation 42.
  for (const count of seen) assert.ok(Math.abs(count - 2000) < 200, `${count} draws`);
});

test("dropout drops the asked share of the units, and what is left keeps the mean", () => {
  const activations = new Float32Array(128 * 60);
  for (const rate of [0.1, 0.5]) {
    let [dropped, sum] = [0, 0];
    const perUnit = new Float64Array(128);
    for (let step = 1; step <= 50; step += 1) {
      activations.fill(1);
      drop(activations, 128, { seed: 3, step, rate });
      activations.forEach((value, i) => {
        assert.ok(value === 0 || Math.abs(value - 1 / (1 - rate)) < 1e-6);
        sum += value;
        if (value === 0) {
          dropped += 1;
          perUnit[Math.floor(i / 60)]! += 1;
        }
      });
    }
    const total = 50 * activations.length;
    // Standard deviations: 0.0008 of the share, 0.009 of a unit's share.
    assert.ok(Math.abs(dropped / total - rate) < 0.004, `${dropped / total} dropped at rate ${rate}`);
    assert.ok(Math.abs(sum / total - 1) < 0.01);
    for (const count of perUnit) assert.ok(Math.abs(count / 3000 - rate) < 0.05);
  }
});

test("masks differ from step to step and from seed to seed, and repeat for both", () => {
  const mask = (seed: number, step: number) => {
    const activations = new Float32Array(1000).fill(1);
    drop(activations, 10, { seed, step, rate: 0.5 });
    return activations;
  };
  assert.deepEqual(mask(1, 1), mask(1, 1));
  for (const other of [mask(1, 2), mask(2, 1)]) {
    const different = mask(1, 1).filter((value, i) => value !== other[i]).length;
    assert.ok(different > 400 && different < 600, `${different} of 1000 differ`);
  }
});
