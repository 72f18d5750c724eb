import assert from "node:assert/strict";
import { test } from "node:test";
import { linearSubject, modelPredicting, unitSample } from "../testing/linear.ts";
import { accuracy } from "./accuracy.ts";
import { createSubject } from "./subject.ts";

const labels = [0, 1, 2, 1];

test("each member is scored on each sample that is there, in order", () => {
  const members = [modelPredicting([0, 1, 2, 1], 3), modelPredicting([0, 0, 0, 0], 3)];
  const right = Math.log(Math.E + 2) - 1;
  const wrong = Math.log(Math.E + 2);
  const { models } = accuracy(linearSubject(members, { heldOut: unitSample(labels) }));
  assert.deepEqual(
    models.map(({ heldOut }) => [heldOut?.correct, heldOut?.count]),
    [
      [4, 4],
      [1, 4],
    ],
  );
  assert.ok(Math.abs(models[0]!.heldOut!.loss - right) < 1e-12);
  assert.ok(Math.abs(models[1]!.heldOut!.loss - (right + 3 * wrong) / 4) < 1e-12);
  assert.equal(models[0]?.validation, undefined);
});

test("both samples go through one forward pass per member", () => {
  let passes = 0;
  const samples = { heldOut: unitSample(labels), validation: unitSample([0, 0, 0, 0]) };
  const subject = createSubject([modelPredicting(labels, 3)], samples, (_, images) => {
    passes++;
    assert.equal(images.length, 8 * 4);
    return new Float32Array(8 * 3);
  });
  const { models } = accuracy(subject);
  assert.equal(passes, 1);
  assert.deepEqual([models[0]?.heldOut?.correct, models[0]?.validation?.correct], [1, 4]);
});
