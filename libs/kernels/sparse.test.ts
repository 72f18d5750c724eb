import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { uniform } from "#libs/deterministic";
import { anyInputs, anyNumber, createPair } from "./testing/pair.ts";
import type { Thinning } from "./types.ts";

const pair = createPair();
const GOLDEN = 0x9e3779b9;
// Differences of fine-tunings, and whatever else; no infinity once it is float32, as no method takes one.
const difference = anyNumber.filter((value) => Math.abs(value) < 1e30);
const anyThinning: fc.Arbitrary<Thinning> = fc.oneof(
  fc.constant({ kind: "all" } as const),
  fc.record({
    kind: fc.constant("chance" as const),
    start: fc.nat({ max: 0xffffffff }),
    limit: fc.oneof(fc.nat({ max: 0xffffffff }), fc.constantFrom(0, 2 ** 31, 2 ** 32)),
  }),
  fc.record({
    kind: fc.constant("band" as const),
    above: fc.oneof(fc.constant(-1), fc.nat({ max: 0x7f800000 })),
    below: fc.oneof(fc.constant(0x7fffffff), fc.nat({ max: 0x7f800000 })),
  }),
);
const factor = fc.oneof(fc.double({ min: -3, max: 3, noNaN: true }), fc.constantFrom(0, 1, 0.5));

const anyTask = anyInputs(difference, { inputs: 9, count: 21 }).chain(({ columns, count, shift }) => {
  const many = { minLength: columns.length, maxLength: columns.length };
  return fc.record({
    columns: fc.constant(columns),
    count: fc.constant(count),
    shift: fc.constant(shift),
    thinnings: fc.array(anyThinning, many),
    factors: fc.array(factor, many),
    weights: fc.array(factor, many),
  });
});

test("sparse sums, elections and sums of magnitudes agree with their twins in every bit", () => {
  const law = fc.property(anyTask, factor, fc.boolean(), fc.boolean(), (task, lambda, normalized, zeroIsPositive) => {
    const { columns, count, shift, ...rest } = task;
    pair.reset();
    const models = columns.map((column) => pair.put("F32", column, shift));
    const base = pair.put("F32", columns.at(-1)!.toReversed(), shift);
    const [sums, elected] = [pair.reserve(8 * count), pair.reserve(8 * count)];
    for (const kernels of [pair.compiled, pair.twin]) {
      kernels.addSparse({ models, base, out: sums, count, ...rest });
      kernels.electSparse({ models, base, out: elected, count, lambda, normalized, zeroIsPositive, ...rest });
    }
    const [first, thinning] = [models[0]!, rest.thinnings[0]!];
    assert.deepEqual(pair.compiled.magnitudes(first, thinning, count), pair.twin.magnitudes(first, thinning, count));
    for (const out of [sums, elected]) {
      const [compiled, twin] = [pair.compiled, pair.twin].map((kernels) => kernels.float64(out, count));
      for (let i = 0; i < count; i++) assert.ok(Object.is(compiled![i], twin![i]), `element ${i}: ${compiled![i]} is not ${twin![i]}`);
    }
  });
  fc.assert(law, { numRuns: 2000 });
});

test("chance is the random numbers by position", () => {
  pair.reset();
  const [seed, first, count] = [77, 1000, 10];
  const models = [pair.put("F32", Array<number>(count).fill(1))];
  const base = pair.put("F32", Array<number>(count).fill(0));
  const out = pair.reserve(8 * count);
  const thinnings = [{ kind: "chance", start: seed + Math.imul(GOLDEN, first + 1), limit: 2 ** 31 }] as const;
  pair.compiled.addSparse({ models, base, out, count, thinnings, factors: [1] });
  const expected = Array.from({ length: count }, (_, i) => (uniform(seed, first + i) < 0.5 ? 1 : 0));
  assert.deepEqual([...pair.compiled.float64(out, count)], expected);
});

test("an election by hand: TIES with three of six kept", () => {
  pair.reset();
  const base = pair.put("F32", [0, 0, 0]);
  const models = [pair.put("F32", [2, -1, 0]), pair.put("F32", [-3, -2, 1]), pair.put("F32", [4, 1, -1])];
  const out = pair.reserve(24);
  const all = { kind: "all" } as const;
  const common = { models, base, out, count: 3, thinnings: [all, all, all], factors: [1, 1, 1], weights: [1, 1, 1], lambda: 1 };
  pair.compiled.electSparse({ ...common, normalized: true, zeroIsPositive: true });
  assert.deepEqual([...pair.compiled.float64(out, 3)], [3, -1.5, 1]);
  pair.compiled.electSparse({ ...common, normalized: false, zeroIsPositive: false });
  assert.deepEqual([...pair.compiled.float64(out, 3)], [6, -3, -1]);
});
