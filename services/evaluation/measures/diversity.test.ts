import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { model, permuted, samples } from "../testing/arbitraries.ts";
import { linearSubject, modelPredicting, unitSample } from "../testing/linear.ts";
import { diversity, ratioError } from "./diversity.ts";

const labels = [0, 0, 0, 0, 1, 1, 1, 1, 2, 2];
const first = [0, 0, 0, 1, 1, 1, 0, 2, 2, 0];
const second = [0, 0, 1, 1, 1, 0, 1, 2, 0, 2];

test("the check vector has a ratio-error of 2.5", () => {
  assert.equal(ratioError(Int32Array.from(first), Int32Array.from(second), Int32Array.from(labels)), 2.5);
  const subject = linearSubject([modelPredicting(first, 3), modelPredicting(second, 3)], { heldOut: unitSample(labels) });
  assert.deepEqual(diversity(subject), { measure: "diversity", ratioError: 2.5, pairs: 1 });
});

test("where both are never wrong together, the denominator is one", () => {
  assert.equal(ratioError(Int32Array.of(1, 0, 0), Int32Array.of(0, 1, 0), Int32Array.of(0, 0, 0)), 2);
});

test("the mean goes over all pairs", () => {
  const subject = linearSubject(
    [first, second, first].map((classes) => modelPredicting(classes, 3)),
    { validation: unitSample(labels) },
  );
  assert.deepEqual(diversity(subject), { measure: "diversity", ratioError: 5 / 3, pairs: 3 });
});

test("copies of a model are not diverse", () => {
  fc.assert(fc.property(model, samples, (single, data) => diversity(linearSubject([single, single], data)).ratioError === 0));
});

test("the order of the members does not matter", () => {
  fc.assert(
    fc.property(permuted, samples, ({ members, order }, data) => {
      const shuffled = order.map((index) => members[index]!);
      const difference = diversity(linearSubject(shuffled, data)).ratioError - diversity(linearSubject(members, data)).ratioError;
      assert.ok(Math.abs(difference) < 1e-12);
    }),
  );
});
