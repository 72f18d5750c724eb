import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type ElementType, loadKernels } from "#libs/kernels";
import { narrow, widen } from "#libs/tensors";
import { exactMean, meanOfWindow } from "./index.ts";

const BYTES = { F64: 8, F32: 4, F16: 2, BF16: 2 } as const;
const kernels = loadKernels();

const anyFloat = fc.oneof(
  fc.float({ noNaN: true, noDefaultInfinity: true }),
  fc.integer({ min: -9, max: 9 }).map((n) => n / 8),
  fc.constantFrom(0, -0, 1, 1 + 2 ** -23, 2 ** -149, 2 ** 120, -(2 ** 120), 2 ** 40, -(2 ** 40), 2 ** -60, 3.4028234663852886e38),
);
const anyType = fc.constantFrom<ElementType[]>("F64", "F32", "F16", "BF16");
const anyWeight = fc.oneof(fc.constantFrom(1, 2, 0.5, 3), fc.double({ min: 0.01, max: 4, noNaN: true }), fc.constantFrom(0.1, 1e-30));
const anyDivisor = fc.oneof(fc.constantFrom<(number | "sum")[]>("sum", 1, 3, 7), fc.double({ min: 1, max: 100, noNaN: true }));

/** The values as a type has them. */
function asType(type: ElementType, values: readonly number[]): { bytes: Uint8Array; values: Float64Array } {
  const bytes = new Uint8Array(values.length * BYTES[type]);
  narrow(type, Float64Array.from(values), bytes);
  const exact = new Float64Array(values.length);
  widen(type, bytes, exact);
  return { bytes, values: exact };
}

function window(
  columns: readonly (readonly number[])[],
  type: ElementType,
  outType: ElementType,
  weights: number[],
  divisor: number | "sum",
) {
  kernels.release();
  const count = columns[0]!.length;
  const sources = columns.map((column) => asType(type, column));
  const inputs = sources.map(({ bytes }) => kernels.allocate(bytes.length));
  const [out, spare, undecided] = [kernels.allocate(count * 8), kernels.allocate(count * 8), kernels.allocate(count * 4)] as const;
  for (const [k, { bytes }] of sources.entries()) kernels.bytes(inputs[k]!, bytes.length).set(bytes);
  const result = meanOfWindow(kernels, { inputs, type, weights, divisor, out, outType, count, undecided, spare });
  return { result, bytes: kernels.bytes(out, count * BYTES[outType]).slice(), values: sources.map(({ values }) => values) };
}

test("a window holds the exact means, whatever the types, the weights and the divisor", () => {
  const anyCase = fc.record({ models: fc.integer({ min: 1, max: 6 }), count: fc.integer({ min: 1, max: 8 }) }).chain(({ models, count }) =>
    fc.record({
      columns: fc.array(fc.array(anyFloat, { minLength: count, maxLength: count }), { minLength: models, maxLength: models }),
      weights: fc.array(anyWeight, { minLength: models, maxLength: models }),
      divisor: anyDivisor,
      type: anyType,
      outType: anyType,
    }),
  );
  fc.assert(
    fc.property(anyCase, ({ columns, weights, divisor, type, outType }) => {
      const { result, bytes, values } = window(columns, type, outType, weights, divisor);
      const bad = values.some((column) => column.some((value) => !Number.isFinite(value)));
      assert.equal(result.notFinite !== undefined, bad);
      if (bad) return;
      const expected = columns[0]!.map((_, i) =>
        exactMean(
          values.map((column) => column[i]!),
          weights,
          divisor,
          outType,
        ),
      );
      assert.deepEqual(bytes, asType(outType, expected).bytes);
      if (outType !== "F64") assert.ok(result.overflowed === expected.filter((value) => !Number.isFinite(value)).length);
    }),
    { numRuns: 1500 },
  );
});

test("exact means are rounded to nearest, ties to even, in every type", () => {
  const cases: [ElementType, number[], number, number][] = [
    ["F32", [1, 1 + 2 ** -23], 2, 1],
    ["F32", [1 + 2 ** -23, 1 + 2 ** -22], 2, 1 + 2 ** -22],
    ["BF16", [1, 1 + 2 ** -7], 2, 1],
    ["BF16", [1, 1 + 2 ** -7, 2 ** -100], 2, 1 + 2 ** -7],
    ["F16", [65504, 65504], 1, Number.POSITIVE_INFINITY],
    ["F16", [2 ** -24, 0], 2, 0],
    ["F16", [2 ** -24, 2 ** -24, 2 ** -24], 2, 2 ** -23],
    ["F64", [1, 2 ** -53], 1, 1],
    ["F64", [1, 2 ** -53, 2 ** -1074], 1, 1 + 2 ** -52],
    ["F64", [Number.MAX_VALUE, Number.MAX_VALUE], 2, Number.MAX_VALUE],
    ["F64", [Number.MAX_VALUE, Number.MAX_VALUE], 1, Number.POSITIVE_INFINITY],
    ["F64", [5e-324, 0], 2, 0],
    ["F32", [1, 2, 3, 5], 3, Math.fround(11 / 3)],
  ];
  for (const [type, values, divisor, expected] of cases) {
    assert.equal(
      exactMean(
        values,
        values.map(() => 1),
        divisor,
        type,
      ),
      expected,
      `${type} ${values} / ${divisor}`,
    );
  }
});

test("the exact sum of the weights divides, also where it is no double", () => {
  const weights = [1, 2 ** -60, 2 ** -80];
  assert.equal(exactMean([1, 1, 1], weights, "sum", "F64"), 1);
  assert.equal(exactMean([3, 3, 3], [0.1, 0.2, 0.3], "sum", "F64"), 3);
  const { bytes } = window(
    [
      [3, -0.7],
      [3, -0.7],
      [3, -0.7],
    ],
    "F64",
    "F64",
    [0.1, 0.2, 0.3],
    "sum",
  );
  assert.deepEqual(new Float64Array(bytes.buffer), Float64Array.of(3, -0.7));
});

test("weights below zero may have a sum below zero; a sum of zero is refused", () => {
  assert.equal(exactMean([4, 1], [-1, -1], "sum"), 2.5);
  assert.ok(Object.is(exactMean([-0, -0], [-1, -1], "sum"), -0));
  assert.throws(() => exactMean([1, 1], [1, -1], "sum"), /zero/);
  assert.throws(() => window([[1], [1]], "F32", "F32", [1, -1], "sum"), /sum to zero/);
});
