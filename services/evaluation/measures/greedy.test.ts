import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { members, permuted, samples } from "../testing/arbitraries.ts";
import { linearModel, linearSubject, sampleOf } from "../testing/linear.ts";
import { accuracy } from "./accuracy.ts";
import { greedy } from "./greedy.ts";

const accuracies = (list: Parameters<typeof linearSubject>[0], data: Parameters<typeof linearSubject>[1]) =>
  accuracy(linearSubject(list, data)).models.map(({ validation }) => validation!.correct / validation!.count);

test("equality is accepted, a loss is not, and the mean forgets what was not accepted", () => {
  // Rows x = 1 and x = 2 with labels 1; class 1 wins where w·x > 0. Means: 1 | (1+3)/2 | (1+3-9)/3 | (1+3-2)/3.
  const list = [1, 3, -9, -2].map((w) => linearModel([[0], [w]]));
  const result = greedy(linearSubject(list, { validation: sampleOf([[1], [2]], [1, 1]) }), [0.9, 0.8, 0.7, 0.6]);
  assert.deepEqual(result, {
    measure: "greedy",
    selected: [0, 1, 3],
    trials: [
      { index: 0, accuracy: 1, accepted: true },
      { index: 1, accuracy: 1, accepted: true },
      { index: 2, accuracy: 0, accepted: false },
      { index: 3, accuracy: 1, accepted: true },
    ],
  });
});

test("scores decide the order, and equal scores keep the order of the members", () => {
  const list = [1, 1, 1, 1].map((w) => linearModel([[0], [w]]));
  const { trials } = greedy(linearSubject(list, { validation: sampleOf([[1]], [1]) }), [0.5, 0.7, 0.5, 0.7]);
  assert.deepEqual(
    trials.map(({ index }) => index),
    [1, 3, 0, 2],
  );
});

test("the first is kept even where it is always wrong", () => {
  const { selected } = greedy(linearSubject([linearModel([[1], [0]])], { validation: sampleOf([[1]], [1]) }), [0]);
  assert.deepEqual(selected, [0]);
});

test("sorted by their own accuracy, the soup is never below the best member, and what was accepted never falls", () => {
  fc.assert(
    fc.property(members, samples, (list, data) => {
      const scores = accuracies(list, data);
      const { selected, trials } = greedy(linearSubject(list, data), scores);
      const accepted = trials.filter((trial) => trial.accepted);
      assert.deepEqual(
        accepted.map(({ index }) => index),
        selected,
      );
      assert.equal(trials.length, list.length);
      assert.equal(accepted[0]?.accuracy, Math.max(...scores));
      accepted.reduce((best, trial) => {
        assert.ok(trial.accuracy >= best);
        return trial.accuracy;
      }, 0);
    }),
  );
});

test("the last accepted accuracy is that of the plain mean of the selected", () => {
  fc.assert(
    fc.property(members, samples, (list, data) => {
      const { selected, trials } = greedy(linearSubject(list, data), accuracies(list, data));
      const chosen = selected.map((index) => list[index]!.get("head.weight")!);
      const mean = chosen[0]!.data.map((_, k) => chosen.reduce((sum, { data: values }) => sum + values[k]!, 0) / chosen.length);
      const [{ validation } = {}] = accuracy(
        linearSubject([new Map([["head.weight", { shape: chosen[0]!.shape, data: mean }]])], data),
      ).models;
      assert.equal(trials.findLast(({ accepted }) => accepted)?.accuracy, validation!.correct / validation!.count);
    }),
  );
});

test("permuting members with different scores permutes the selection", () => {
  fc.assert(
    fc.property(permuted, samples, ({ members: list, order }, data) => {
      const scores = list.map((_, index) => 1 / (index + 1));
      const straight = greedy(linearSubject(list, data), scores);
      const shuffled = greedy(
        linearSubject(
          order.map((index) => list[index]!),
          data,
        ),
        order.map((index) => scores[index]!),
      );
      assert.deepEqual(
        shuffled.selected.map((position) => order[position]),
        straight.selected,
      );
    }),
  );
});
