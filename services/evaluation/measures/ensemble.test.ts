import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { members, model, permuted, samples } from "../testing/arbitraries.ts";
import { linearSubject } from "../testing/linear.ts";
import { accuracy } from "./accuracy.ts";
import { ensemble, meanSoftmax } from "./ensemble.ts";

test("probabilities are averaged, not logits", () => {
  // One member is sure of class 0, two lean to class 1. The mean logit says 0, the mean probability says 1.
  const logits = [
    [50, 0],
    [0, 4],
    [0, 4],
  ].map((values) => Float32Array.from(values));
  const mean = meanSoftmax(logits, 1);
  const lean = 1 / (1 + Math.exp(4));
  assert.ok(Math.abs(mean[0]! - (1 + 2 * lean) / 3) < 1e-12);
  assert.ok(mean[1]! > mean[0]!);
});

test("an ensemble of one is the model", () => {
  fc.assert(
    fc.property(model, samples, (single, data) => {
      const { heldOut } = ensemble(linearSubject([single], data));
      assert.deepEqual(heldOut.correct, accuracy(linearSubject([single], data)).models[0]?.heldOut?.correct);
    }),
  );
});

test("an ensemble of copies of a model is the model", () => {
  fc.assert(
    fc.property(model, fc.integer({ min: 2, max: 4 }), samples, (single, copies, data) => {
      const many = ensemble(linearSubject(Array(copies).fill(single), data));
      assert.deepEqual(many.heldOut.count, data.heldOut?.count);
      assert.deepEqual(many, ensemble(linearSubject([single], data)));
    }),
  );
});

test("each row of the mean softmax sums to one", () => {
  fc.assert(
    fc.property(members, samples, (list, data) => {
      const subject = linearSubject(list, data);
      const count = data.heldOut?.count ?? 0;
      const mean = meanSoftmax(
        list.map((_, i) => subject.member(i).heldOut!),
        count,
      );
      for (let row = 0; row < count; row++) assert.ok(Math.abs(mean[row * 3]! + mean[row * 3 + 1]! + mean[row * 3 + 2]! - 1) < 1e-12);
    }),
  );
});

test("the order of the members moves the mean softmax by rounding only", () => {
  fc.assert(
    fc.property(permuted, samples, ({ members: list, order }, data) => {
      const softmax = (indices: Iterable<number>) => {
        const subject = linearSubject(list, data);
        return meanSoftmax(
          [...indices].map((i) => subject.member(i).heldOut!),
          data.heldOut?.count ?? 0,
        );
      };
      const [straight, shuffled] = [softmax(list.keys()), softmax(order)];
      straight.forEach((value, k) => {
        assert.ok(Math.abs(value - shuffled[k]!) < 1e-14);
      });
    }),
  );
});
