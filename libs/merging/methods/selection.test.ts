import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { BLOCK, type Values } from "../method.ts";
import { methodNamed, runMethodInMemory } from "./index.ts";
import { difference, type Inputs, inputs, noise, run } from "./testing/tasks.ts";

/** Places of numbers by their magnitude, the largest first, equal ones by index; by sorting all of them. */
function byMagnitude(values: Values): number[] {
  return Array.from(values, (_, i) => i).sort((a, b) => Math.abs(values[b]!) - Math.abs(values[a]!) || a - b);
}

/** What stays of numbers: the `keep` largest after the `drop` largest. */
function thinned(values: Values, drop: number, keep: number, order = byMagnitude(values)): Values {
  const kept = new Set(order.slice(drop, drop + keep));
  return values.map((value, i) => (kept.has(i) ? value : 0)) as Values;
}

/** The mean of what has the elected sign: that of the sum, else `signOfZero`. */
function elected(changes: readonly Values[], base: Values, signOfZero = 1): Float64Array {
  return Float64Array.from(base, (from, i) => {
    const all = changes.map((values) => values[i]!);
    const sign = Math.sign(all.reduce((total, value) => total + value, 0)) || signOfZero;
    const agreeing = all.filter((value) => Math.sign(value) === sign);
    return from + (agreeing.length === 0 ? 0 : agreeing.reduce((total, value) => total + value, 0) / agreeing.length);
  });
}

function changesOf({ models, base }: Inputs): Values[] {
  return models.map((values) => values.map((value, i) => value - base[i]!) as Values);
}

const parts = fc.oneof(fc.double({ min: 0, max: 1, noNaN: true }), fc.constantFrom(0, 0.5, 1));

test("TIES and breadcrumbs keep exactly so many, by index where magnitudes are equal, zeros too", () => {
  fc.assert(
    fc.property(inputs(), parts, parts, (given, density, gamma) => {
      const n = given.base.length;
      const options = { type: "F64" } as const;
      const changes = changesOf(given);
      const ties = run(methodNamed("ties")!, given, { ...options, given: { merge: { density } } });
      const keep = density >= 1 ? n : density <= 0 ? 0 : Math.max(1, Math.floor(density * n));
      const trimmed = changes.map((values) => thinned(values, 0, keep));
      assert.equal(difference(ties, elected(trimmed, given.base), 1e-12), undefined);

      const crumbs = run(methodNamed("breadcrumbs_ties")!, given, { ...options, given: { merge: { density, gamma, normalize: true } } });
      const left = density >= 1 ? n : Math.floor(density * n);
      const drop = Math.min(Math.floor(gamma * n), n - left);
      const band = changes.map((values) => thinned(values, drop, left));
      assert.equal(difference(crumbs, elected(band, given.base), 1e-12), undefined);
    }),
    { numRuns: 250 },
  );
});

/** Many equal ones across blocks, where the last ones that stay are found by counting. */
for (const [what, values] of [
  ["all equal", noise(2 * BLOCK + 777, 1).map((value) => (value > 0 ? 1 : -1))],
  ["zeros nearly all", noise(2 * BLOCK + 777, 1).map((value) => (value > 0.999 ? 0.5 : 0))],
  ["few values", noise(2 * BLOCK + 777, 1).map((value) => Math.round(4 * value) / 4)],
  ["many values", noise(2 * BLOCK + 777, 1)],
] as const) {
  test(`exactly so many stay of several blocks: ${what}`, () => {
    const n = values.length;
    const base = new Float32Array(n);
    const order = byMagnitude(values);
    for (const density of [0, 1e-9, 0.25, 0.5, BLOCK / n, 0.9999, 1]) {
      const made = run(methodNamed("ties")!, { models: [values], base, shape: [n] }, { given: { merge: { density } } });
      const keep = density >= 1 ? n : density <= 0 ? 0 : Math.max(1, Math.floor(density * n));
      const expected = thinned(values, 0, keep, order);
      assert.ok(made.every((value, i) => value === expected[i]));
    }
  });
}

test("TIES over the whole model is the paper's: the threshold of all tensors, the sign of the majority where the sum is zero", () => {
  const cut = fc.integer({ min: 0, max: 6 });
  fc.assert(
    fc.property(inputs(), cut, fc.double({ min: 0.05, max: 0.99, noNaN: true }), (given, at, density) => {
      const n = given.base.length;
      const first = Math.min(at, n);
      const pieces = [
        [0, first],
        [first, n],
      ] as const;
      const part = (values: Values, [from, to]: readonly [number, number]) => values.subarray(from, to) as Values;
      const tensors = pieces.map((piece, i) => ({
        ...{ name: `w${i}`, shape: [piece[1] - piece[0]], base: part(given.base, piece) },
        ...{ models: given.models.map((values) => part(values, piece)), parameters: { merge: { density, whole_model: true } } },
      }));
      const made = runMethodInMemory(methodNamed("ties")!, tensors, { type: "F64" }).flatMap((values) => [...values]);
      const trimmed = changesOf(given).map((values) => {
        const keep = Math.max(1, Math.floor(density * n));
        const threshold = Array.from(values, Math.abs).sort((a, b) => b - a)[keep - 1]!;
        return values.map((value) => (Math.abs(value) >= threshold ? value : 0)) as Values;
      });
      const sums = Array.from(given.base, (_, i) => trimmed.reduce((total, values) => total + values[i]!, 0));
      const majority = sums.reduce((total, value) => total + Math.sign(value), 0);
      const expected = elected(trimmed, given.base, majority < 0 ? -1 : 1);
      assert.equal(difference(Float64Array.from(made), expected, 1e-12), undefined);
    }),
    { numRuns: 100 },
  );
});

test("SCE: variances sorted, energies of what is left, signs elected", () => {
  fc.assert(
    fc.property(inputs(), parts, (given, part) => {
      const changes = changesOf(given);
      const count = changes.length;
      const variances = Float32Array.from(given.base, (_, i) => {
        const all = changes.map((values) => values[i]!);
        const mean = all.reduce((total, value) => total + value, 0) / count;
        return all.reduce((total, value) => total + (value - mean) ** 2, 0) / count;
      });
      const keep = part >= 1 ? variances.length : Math.floor(part * variances.filter((value) => value > 0).length);
      const order = Array.from(variances, (_, i) => i).sort((a, b) => variances[b]! - variances[a]! || a - b);
      const kept = new Set(order.slice(0, keep));
      const left = changes.map((values) => values.map((value, i) => (kept.has(i) ? value : 0)) as Values);
      const energies = left.map((values) => Float64Array.from(values).reduce((total, value) => total + value * value, 0));
      const expected = Float64Array.from(given.base, (from, i) => {
        const sign = left.reduce((total, values) => total + values[i]!, 0) >= 0 ? 1 : -1;
        let [above, below] = [0, 0];
        for (const [k, values] of left.entries()) {
          if (Math.sign(values[i]!) !== sign) continue;
          above += energies[k]! * values[i]!;
          below += energies[k]!;
        }
        return from + (below === 0 ? 0 : above / below);
      });
      const made = run(methodNamed("sce")!, given, { type: "F64", given: { merge: { select_topk: part } } });
      assert.equal(difference(made, expected, 1e-12), undefined);
    }),
    { numRuns: 250 },
  );
});
