import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Values } from "../method.ts";
import { methodNamed, runMethodInMemory } from "./index.ts";
import { difference, eighths, gramOf, type Inputs, inputs, noise, run } from "./testing/tasks.ts";

test("median, trimmed mean, and means of magnitudes, by sorting each number", () => {
  fc.assert(
    fc.property(inputs(), fc.double({ min: 0, max: 0.5, noNaN: true }), (given, trim) => {
      const made = (name: string, merge = {}) => run(methodNamed(name)!, given, { type: "F64", given: { merge } });
      const count = given.models.length;
      const cut = Math.min((count - 1) >> 1, Math.floor(trim * count));
      const rules: { readonly [name: string]: (sorted: readonly number[]) => number } = {
        median: (sorted) => (sorted[(count - 1) >> 1]! + sorted[count >> 1]!) / 2,
        trimmed_mean: (sorted) => sorted.slice(cut, count - cut).reduce((total, value) => total + value, 0) / (count - 2 * cut),
        max_abs: (sorted) => (sorted[0]! > 0 ? sorted.at(-1)! : sorted.at(-1)! < 0 ? sorted[0]! : 0),
        min_abs: (sorted) => (sorted[0]! > 0 ? sorted[0]! : Math.min(0, sorted.at(-1)!)),
        geometric_mean: (sorted) =>
          sorted[0]! * sorted.at(-1)! > 0
            ? Math.sign(sorted[0]!) * root(Math.abs(sorted.reduce((total, value) => total * value)), count)
            : 0,
      };
      for (const [name, rule] of Object.entries(rules)) {
        const expected = Float64Array.from(given.base, (_, i) => rule(given.models.map((values) => values[i]!).sort((a, b) => a - b)));
        assert.equal(difference(made(name, name === "trimmed_mean" ? { trim } : {}), expected, 1e-12), undefined, name);
      }
    }),
  );
});

/** The n-th root, by bisection. */
function root(value: number, n: number): number {
  let [low, high] = [0, Math.max(1, value)];
  for (let step = 0; step < 200; step++) {
    const middle = (low + high) / 2;
    if (middle ** n < value) low = middle;
    else high = middle;
  }
  return high;
}

const halfOfTheWeight: Inputs = {
  models: [
    [4.875, -3.25],
    [0, 0],
    [-2.375, 1.125],
  ].map((values) => Float32Array.from(values)),
  base: new Float32Array(2),
  shape: [2, 1],
};

test("the geometric median pulls as much one way as the other, or is one of the models", () => {
  const weights = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 4, maxLength: 4 });
  fc.assert(
    fc.property(inputs(), weights, (given, all) => {
      const own = all.slice(0, given.models.length);
      const parameters = { merge: { max_iter: 20_000, tol: 0 }, models: own.map((weight) => ({ weight })) };
      const made = run(methodNamed("geometric_median")!, given, { type: "F64", given: parameters });
      const distance = (from: Float64Array, to: Values) => Math.sqrt(from.reduce((total, value, i) => total + (value - to[i]!) ** 2, 0));
      const cost = (at: Values) => given.models.reduce((total, values, k) => total + own[k]! * distance(Float64Array.from(values), at), 0);
      const best = cost(made);
      // The sum of distances is convex: where no direction of a set that spans all makes it less by more than rounding, it is least.
      const step = 1e-3;
      for (let i = 0; i < made.length; i++) {
        for (const by of [step, -step]) {
          const moved = Float64Array.from(made, (value, j) => (j === i ? value + by : value));
          assert.ok(cost(moved) >= best - 1e-5, `${cost(moved)} is less than ${best}`);
        }
      }
      for (const values of given.models) assert.ok(cost(Float64Array.from(values)) >= best - 1e-6);
    }),
    // The first has half of the weight, and the others pull almost the same way: Weiszfeld's steps would not arrive.
    { numRuns: 30, examples: [[halfOfTheWeight, [2, 1, 1, 1]]] },
  );
});

test("Fisher: the weighted mean of each number, with norms over the whole model", () => {
  fc.assert(
    fc.property(inputs(), fc.boolean(), fc.boolean(), (given, normalize, favor) => {
      const n = given.base.length;
      const information = given.models.map((_, k) => noise(n, k + 5).map((value) => Math.max(0, value)));
      const cut = n >> 1;
      const tensors = [
        [0, cut],
        [cut, n],
      ].map(([from, to], i) => ({
        ...{ name: `w${i}`, shape: [to! - from!] },
        models: given.models.map((values) => values.subarray(from, to) as Values),
        statistics: information.map((values) => values.subarray(from, to)),
        parameters: { merge: { normalize, favor_target_model: favor }, models: given.models.map((_, k) => ({ weight: k + 1 })) },
      }));
      const made = runMethodInMemory(methodNamed("fisher")!, tensors, { type: "F64" }).flatMap((values) => [...values]);
      const norms = information.map((values) => (normalize ? Math.sqrt(values.reduce((total, value) => total + value * value, 0)) : 1));
      const expected = Float64Array.from(given.base, (_, i) => {
        let [above, below] = [0, 0];
        for (const [k, values] of given.models.entries()) {
          const floor = favor && k > 0 ? 0 : 1e-6;
          const by = ((k + 1) / (norms[k] || 1)) * Math.max(information[k]![i]!, floor);
          above += by * values[i]!;
          below += by;
        }
        return above / below;
      });
      assert.equal(difference(Float64Array.from(made), expected, 1e-12), undefined);
    }),
  );
});

test("RegMean is where the sum of squared distances of the outputs is least", () => {
  fc.assert(
    fc.property(inputs(eighths), (given) => {
      const [rows, columns] = given.shape as [number, number];
      const samples = given.models.map((_, k) => noise(2 * columns * columns, k + 3));
      const statistics = samples.map((values) => gramOf(values, columns));
      const parameters = { merge: { alpha: 1, ridge: 0 } };
      const made = run(methodNamed("regmean")!, given, { type: "F64", statistics, given: parameters });
      // The gradient Σ (W − W_i) G_i is zero.
      for (let r = 0; r < rows; r++) {
        for (let j = 0; j < columns; j++) {
          let gradient = 0;
          for (const [k, values] of given.models.entries()) {
            for (let i = 0; i < columns; i++)
              gradient += (made[r * columns + i]! - values[r * columns + i]!) * statistics[k]![i * columns + j]!;
          }
          assert.ok(Math.abs(gradient) < 1e-4, String(gradient));
        }
      }
    }),
  );
});
