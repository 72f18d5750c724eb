import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { model } from "../testing/arbitraries.ts";
import { linearModel } from "../testing/linear.ts";
import { createRunningMean, interpolate, midpoint } from "./mix.ts";

const values = (weights: ReturnType<typeof midpoint>) => [...(weights.get("head.weight")?.data ?? [])];

test("sums are formed in f64 and rounded once", () => {
  // f32 sums would lose both ones: 2^24 + 1 is not an f32.
  const parts = [2 ** 24, 1, 1].map((value) => linearModel([[value]]));
  const mean = createRunningMean();
  for (const part of parts.slice(0, 2)) mean.add(part);
  assert.deepEqual(values(mean.meanWith(parts[2]!)), [Math.fround((2 ** 24 + 2) / 3)]);
  assert.deepEqual(values(midpoint(linearModel([[3e38]]), linearModel([[3e38]]))), [Math.fround(3e38)]);
});

test("trying a member does not add it", () => {
  const mean = createRunningMean();
  mean.add(linearModel([[2]]));
  mean.meanWith(linearModel([[100]]));
  assert.deepEqual(values(mean.meanWith(linearModel([[4]]))), [3]);
  assert.equal(mean.count, 1);
});

test("the middle of an interpolation is the midpoint, its ends are the models", () => {
  fc.assert(
    fc.property(model, model, (a, b) => {
      assert.deepEqual(values(interpolate(a, b, 0.5)), values(midpoint(a, b)));
      assert.equal(interpolate(a, b, 0), a);
      assert.equal(interpolate(a, b, 1), b);
    }),
  );
});

test("weights with other tensors cannot be mixed", () => {
  assert.throws(() => midpoint(linearModel([[1]]), new Map()), /head\.weight is missing/);
});
