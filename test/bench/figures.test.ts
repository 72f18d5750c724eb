import assert from "node:assert/strict";
import { test } from "node:test";
import { figureTable, keepsBound, median, quantile } from "./figures.ts";

test("the median of an even number of runs is between the two middle ones", () => {
  assert.equal(median([4, 1, 3, 2]), 2.5);
  assert.equal(median([9, 1, 3]), 3);
});

test("a quantile is one of the values", () => {
  const values = Array.from({ length: 200 }, (_, index) => 200 - index);
  assert.deepEqual([quantile(values, 0.99), quantile(values, 1), quantile([7], 0.99)], [198, 200, 7]);
  assert.ok(Number.isNaN(quantile([], 0.5)));
});

test("a bound is kept or not by the median alone", () => {
  assert.equal(keepsBound({ name: "a", unit: "s", runs: [1, 2, 50], atMost: 2 }), true);
  assert.equal(keepsBound({ name: "a", unit: "s", runs: [1, 3, 50], atMost: 2 }), false);
  assert.equal(keepsBound({ name: "a", unit: "", runs: [0.96], atLeast: 0.95 }), true);
  assert.equal(keepsBound({ name: "a", unit: "", runs: [0.9] }), undefined);
  assert.equal(keepsBound({ name: "a", unit: "", runs: [Number.NaN], atMost: 1 }), false);
});

test("the table says what is not met", () => {
  const table = figureTable([
    { name: "wall", unit: "s", runs: [190, 200], atMost: 180 },
    { name: "share", unit: "", runs: [0.97], atLeast: 0.95 },
  ]);
  assert.deepEqual(table.split("\n"), [
    "wall   195 s   (190 to 200, 2 runs)  NOT MET: ≤ 180 s",
    "share  0.970                         ok: ≥ 0.95",
  ]);
});
