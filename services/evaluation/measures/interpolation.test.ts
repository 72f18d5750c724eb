import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { members, samples } from "../testing/arbitraries.ts";
import { linearModel, linearSubject, sampleOf } from "../testing/linear.ts";
import { accuracy } from "./accuracy.ts";
import { interpolation } from "./interpolation.ts";

test("the curve between w = 1 and w = -3 crosses zero at a quarter", () => {
  const subject = linearSubject([linearModel([[0], [1]]), linearModel([[0], [-3]])], { heldOut: sampleOf([[1]], [1]) });
  const { curves } = interpolation(subject, [[0, 1]], 9);
  assert.deepEqual(curves, [
    { pair: [0, 1], lambdas: [0, 0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875, 1], heldOut: [1, 1, 0, 0, 0, 0, 0, 0, 0] },
  ]);
});

test("a recipe that names no points gets steps of a tenth", () => {
  const subject = linearSubject([linearModel([[0], [1]]), linearModel([[0], [1]])], { validation: sampleOf([[1]], [1]) });
  const [curve] = interpolation(subject, [[0, 1]]).curves;
  assert.deepEqual(curve?.lambdas, [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1]);
  assert.deepEqual(curve?.validation, Array(11).fill(1));
});

test("the ends are the members, and the way back is the same curve", () => {
  fc.assert(
    fc.property(members, samples, (list, data) => {
      const subject = linearSubject(list, data);
      const [there, back] = interpolation(
        subject,
        [
          [0, 1],
          [1, 0],
        ],
        5,
      ).curves;
      const { models } = accuracy(subject);
      const ends = [0, 1].map((i) => models[i]!.heldOut!.correct / models[i]!.heldOut!.count);
      assert.deepEqual([there?.heldOut?.at(0), there?.heldOut?.at(-1)], ends);
      assert.deepEqual(there?.validation, [...(back?.validation ?? [])].reverse());
    }),
  );
});
