import assert from "node:assert/strict";
import { test } from "node:test";
import { linearModel, linearSubject, sampleOf } from "../testing/linear.ts";
import { NonFiniteLogitsError, poolRows } from "./subject.ts";

for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
  test(`a logit of ${bad} is an error, not an accuracy`, () => {
    const subject = linearSubject([linearModel([[1], [bad]])], { heldOut: sampleOf([[1]], [0]) });
    assert.throws(() => subject.member(0), NonFiniteLogitsError);
  });
}

test("logits are cut into the samples they belong to", () => {
  const samples = { heldOut: sampleOf([[1], [2]], [0, 0]), validation: sampleOf([[3]], [0]) };
  const predictions = linearSubject([linearModel([[1], [-1]])], samples).member(0);
  assert.deepEqual([...(predictions.heldOut ?? [])], [1, -1, 2, -2]);
  assert.deepEqual([...(predictions.validation ?? [])], [3, -3]);
});

test("rows of several samples are pooled in order", () => {
  const pooled = poolRows([sampleOf([[1], [2]], [0, 1]), sampleOf([[3]], [2])]);
  assert.deepEqual([[...pooled.images], [...pooled.labels], pooled.count], [[1, 2, 3], [0, 1, 2], 3]);
});
