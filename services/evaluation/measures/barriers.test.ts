import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { model, permuted, samples } from "../testing/arbitraries.ts";
import { linearModel, linearPredict, linearSubject, sampleOf } from "../testing/linear.ts";
import { barriers } from "./barriers.ts";
import { createSubject } from "./subject.ts";

test("two models whose midpoint knows nothing have a barrier of all they know", () => {
  // Both ends are right on x = 1 with |margin| 2 only if the label is theirs; W and -W meet in 0, where class 0 wins every tie.
  const first = linearModel([[0], [2]]);
  const second = linearModel([[0], [-2]]);
  const { pairs, summary } = barriers(linearSubject([first, second], { heldOut: sampleOf([[1], [-1]], [1, 1]) }));
  // first: right, wrong; second: wrong, right; middle: wrong, wrong.
  assert.deepEqual(pairs[0]?.pair, [0, 1]);
  assert.equal(pairs[0]?.heldOut?.accuracy, 0.5);
  const end = (Math.log1p(Math.exp(-2)) + Math.log1p(Math.exp(2))) / 2;
  assert.ok(Math.abs(pairs[0]!.heldOut!.loss - (Math.LN2 - end)) < 1e-12);
  assert.deepEqual(summary.heldOut, { meanAccuracy: 0.5, maxAccuracy: 0.5, meanLoss: pairs[0]?.heldOut?.loss });
  assert.equal(summary.validation, undefined);
});

test("identical models have no barrier", () => {
  fc.assert(
    fc.property(model, samples, (single, data) => {
      const { pairs, summary } = barriers(linearSubject([single, single, single], data));
      assert.equal(pairs.length, 3);
      for (const entry of pairs) assert.deepEqual([entry.heldOut, entry.validation], Array(2).fill({ accuracy: 0, loss: 0 }));
      assert.deepEqual(summary.validation, { meanAccuracy: 0, maxAccuracy: 0, meanLoss: 0 });
    }),
  );
});

test("the loss of linear models has no barrier above zero: cross-entropy is convex in the weights", () => {
  fc.assert(
    fc.property(permuted, samples, ({ members }, data) => {
      for (const entry of barriers(linearSubject(members, data)).pairs) assert.ok(entry.heldOut!.loss <= 1e-12);
    }),
  );
});

test("permuting the members permutes the pairs and keeps the summary", () => {
  fc.assert(
    fc.property(permuted, samples, ({ members, order }, data) => {
      const straight = barriers(linearSubject(members, data));
      const shuffled = barriers(
        linearSubject(
          order.map((index) => members[index]!),
          data,
        ),
      );
      for (const { pair, heldOut, validation } of shuffled.pairs) {
        const [i, j] = [order[pair[0]]!, order[pair[1]]!].sort((a, b) => a - b);
        const same = straight.pairs.find((entry) => entry.pair[0] === i && entry.pair[1] === j);
        assert.deepEqual([heldOut, validation], [same?.heldOut, same?.validation]);
      }
      assert.equal(shuffled.summary.heldOut?.maxAccuracy, straight.summary.heldOut?.maxAccuracy);
      assert.ok(Math.abs(shuffled.summary.heldOut!.meanLoss - straight.summary.heldOut!.meanLoss) < 1e-12);
    }),
  );
});

test("members are predicted once, pairs once each", () => {
  let passes = 0;
  const members = [1, 2, 3, 4].map((k) => linearModel([[k], [0]]));
  const data = { heldOut: sampleOf([[1]], [0]), validation: sampleOf([[1]], [1]) };
  barriers(
    createSubject(members, data, (weights, images) => {
      passes++;
      return linearPredict(weights, images);
    }),
  );
  assert.equal(passes, 4 + 6);
});
