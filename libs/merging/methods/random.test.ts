import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { uniform } from "#libs/deterministic";
import { BLOCK, type Values } from "../method.ts";
import type { ParameterValues } from "../parameters.ts";
import { methodNamed, runMethodInMemory, type TensorInMemory } from "./index.ts";
import { seedOf } from "./shared/random.ts";
import { noise } from "./testing/tasks.ts";

const count = 4096;
const base = noise(count, 1);
const models = [2, 3].map((seed) => noise(count, seed).map((value, i) => base[i]! + value));
const digests = ["digest a", "digest b"];

function tensor(name: string, given: ParameterValues, used: readonly Values[] = models, from: Values = base): TensorInMemory {
  return { name, shape: [16, from.length / 16], models: used, base: from, parameters: { merge: given } };
}

function make(method: string, of: TensorInMemory | readonly TensorInMemory[], seed: number): readonly Values[] {
  const tensors: readonly TensorInMemory[] = "name" in of ? [of] : of;
  return runMethodInMemory(methodNamed(method)!, tensors, { seed, digests, type: "F64" });
}

const density = 0.3;
const random = ["dare_linear", "dare_ties", "della", "della_linear"];

for (const method of random) {
  const given = { density, ...(method.startsWith("della") ? { epsilon: 0.2 } : {}) };

  test(`${method}: random numbers are a function of seed, digest, name and index`, () => {
    const alone = make(method, tensor("w", given), 7)[0]!;
    assert.deepEqual(make(method, tensor("w", given), 7)[0], alone);
    const among = make(method, [tensor("v", given), tensor("w", given), tensor("u", { ...given, density: 0.4 })], 7);
    assert.deepEqual(among[1], alone);
    assert.notDeepEqual(among[0], alone);
    assert.notDeepEqual(make(method, tensor("w", given), 8)[0], alone);
    const others = runMethodInMemory(methodNamed(method)!, [tensor("w", given)], { seed: 7, digests: ["x", "y"], type: "F64" })[0];
    assert.notDeepEqual(others, alone);
  });

  test(`${method}: so many stay, of each model apart`, () => {
    const ones = new Float32Array(count).fill(1);
    const zeros = new Float32Array(count);
    // What stays of two models can be told apart by its size.
    const both = [ones, ones.map(() => 1024)];
    let [first, second, together] = [0, 0, 0];
    const seeds = 60;
    for (let seed = 0; seed < seeds; seed++) {
      const [made] = make(method, tensor("w", { ...given, rescale: false, normalize: false }, both, zeros), seed);
      for (const value of made!) {
        if (value % 1024 === 1) first++;
        if (value >= 1024) second++;
        if (value === 1025) together++;
      }
    }
    const n = count * seeds;
    within(first, n, density);
    within(second, n, density);
    // Masks are independent where the probabilities are the same; those of DELLA are the same by rank in both models.
    if (!method.startsWith("della")) within(together, n, density * density);
  });
}

for (const method of ["dare_linear", "della_linear"]) {
  test(`${method}: the expectation is that of task arithmetic`, () => {
    const small = 256;
    const part = (values: Values) => values.subarray(0, small) as Values;
    const given = { density, ...(method === "della_linear" ? { epsilon: 0.2 } : {}) };
    const task = tensor("w", given, models.map(part), part(base));
    const [expected] = make("task_arithmetic", tensor("w", {}, models.map(part), part(base)), 0);
    const seeds = 2000;
    const sums = new Float64Array(small);
    for (let seed = 0; seed < seeds; seed++) {
      const [made] = make(method, task, seed);
      for (let i = 0; i < small; i++) sums[i]! += made![i]! / seeds;
    }
    // The least probability is 0.1: the variance of a difference is at most 9 of its square, in two models.
    const least = method === "della_linear" ? density - 0.2 : density;
    for (let i = 0; i < small; i++) {
      const squares = models.reduce((sum, values) => sum + (values[i]! - base[i]!) ** 2, 0);
      const sigma = Math.sqrt((squares * (1 / least - 1)) / seeds);
      assert.ok(Math.abs(sums[i]! - expected![i]!) <= 5 * sigma, `number ${i} is ${sums[i]}, ± ${sigma}, instead of ${expected![i]}`);
    }
  });
}

test("DARE as in the paper: what is kept, over 1 − p, by the uniform number of the element", () => {
  const [made] = make("dare_linear", tensor("w", { density }), 5);
  const seeds = digests.map((digest) => seedOf(5, digest, "w"));
  for (let i = 0; i < count; i++) {
    let expected = base[i]!;
    for (const [k, values] of models.entries()) {
      if (uniform(seeds[k]!, i) < density) expected += Math.fround(values[i]! - base[i]!) / density;
    }
    assert.ok(Math.abs(made![i]! - expected) < 1e-12);
  }
});

test("DELLA keeps by rank: from density − epsilon to density + epsilon along a row", () => {
  const row = 64;
  const rising = Float32Array.from({ length: row }, (_, i) => (i + 1) * (i % 2 === 0 ? 1 : -1));
  const kept = new Float64Array(row);
  const seeds = 4000;
  for (let seed = 0; seed < seeds; seed++) {
    const one: TensorInMemory = {
      ...{ name: "w", shape: [row], models: [rising], base: new Float32Array(row) },
      parameters: { merge: { density: 0.5, epsilon: 0.3 } },
    };
    const [made] = make("della_linear", one, seed);
    for (let i = 0; i < row; i++) {
      const stays = 0.2 + (0.6 * i) / (row - 1);
      if (made![i] === 0) continue;
      kept[i]! += 1;
      assert.ok(Math.abs(made![i]! - rising[i]! / stays) <= 1e-12 * row);
    }
  }
  for (let i = 0; i < row; i++) within(kept[i]!, seeds, 0.2 + (0.6 * i) / (row - 1));
});

test("DARE keeps the sum of magnitudes of a tensor where that is asked for, as mergekit does", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 0xffffffff }), fc.double({ min: 0.05, max: 1, noNaN: true }), (seed, part) => {
      const zeros = new Float32Array(count);
      const [made] = make("dare_linear", tensor("w", { density: part, match_l1: true }, [base], zeros), seed);
      const size = (values: Values) => Float64Array.from(values).reduce((total, value) => total + Math.abs(value), 0);
      assert.ok(Math.abs(size(made!) / size(base) - 1) < 1e-12);
    }),
    { numRuns: 20 },
  );
});

test("the mask of an element does not depend on how much there is of the tensor", () => {
  const long = noise(2 * BLOCK + 160, 4);
  const zeros = new Float32Array(long.length);
  const [all] = make("dare_linear", tensor("w", { density }, [long], zeros), 1);
  const [start] = make("dare_linear", tensor("w", { density }, [long.subarray(0, BLOCK + 16)], zeros.subarray(0, BLOCK + 16)), 1);
  assert.deepEqual(all!.subarray(0, BLOCK + 16), start);
});

test("random_pick draws models by their weights, each tensor for itself, in whatever order they are given", () => {
  const method = methodNamed("random_pick")!;
  const weights = [1, 2, 5];
  const names = Array.from({ length: 4000 }, (_, i) => `w${i}`);
  const pick = (order: readonly number[]) =>
    runMethodInMemory(
      method,
      names.map((name) => ({
        ...{ name, shape: [1], models: order.map((k) => Float32Array.of(k)) },
        parameters: { models: order.map((k) => ({ weight: weights[k]! })) },
      })),
      { seed: 3, digests: order.map((k) => `digest ${k}`) },
    ).map(([value]) => value!);
  const picked = pick([0, 1, 2]);
  for (const [k, weight] of weights.entries()) within(picked.filter((value) => value === k).length, names.length, weight / 8);
  assert.deepEqual(pick([2, 0, 1]), picked);
});

test("fusing has one point of the simplex for a seed, the same for all tensors", () => {
  const method = methodNamed("fusing")!;
  // Unit vectors show the weights; κ = exp(R u) of log-uniform numbers has mean (e^R − 1) / R, equal for all.
  const unit = (k: number) => Float64Array.from({ length: 4 }, (_, i) => (i === k ? 1 : 0));
  const all = [0, 1, 2, 3];
  const sums = new Float64Array(4);
  const seeds = 2000;
  for (let seed = 0; seed < seeds; seed++) {
    const tensors = ["a", "b"].map((name) => ({ name, shape: [4], models: all.map(unit) }));
    const [first, second] = runMethodInMemory(method, tensors, { seed, digests: all.map((k) => `digest ${k}`) });
    assert.deepEqual(first, second);
    assert.ok(Math.abs(Float64Array.from(first!).reduce((total, value) => total + value, 0) - 1) < 1e-12);
    assert.ok(first!.every((value) => value > 0 && value < 1));
    for (const k of all) sums[k]! += first![k]!;
  }
  // A weight is between 0 and 1, so its variance is at most 1/4 · 3/4.
  for (const k of all) assert.ok(Math.abs(sums[k]! / seeds - 0.25) < 5 * Math.sqrt(0.1875 / seeds));
});

/** So many of n, each with that probability, within five standard deviations. */
function within(found: number, n: number, probability: number): void {
  const sigma = Math.sqrt(n * probability * (1 - probability));
  assert.ok(Math.abs(found - n * probability) <= 5 * sigma, `${found} of ${n} instead of ${n * probability} ± ${sigma}`);
}
