import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { exactReference } from "./testing/exact-reference.ts";
import { anyInputs, anyNumber, anyType, anyValue, createPair } from "./testing/pair.ts";
import { readElements, roundTo } from "./twins/elements.ts";
import { ELEMENT_BYTES, type ElementType } from "./types.ts";

const pair = createPair();

const wholeWeight = fc.integer({ min: 1, max: 1000 });
const anyWeight = fc.oneof(
  wholeWeight,
  fc.integer({ min: -9, max: 9 }),
  fc.double({ min: -2, max: 2, noNaN: true }),
  fc.constantFrom(0.5, 0.1, 2 ** 40, 2 ** -190),
);
const anyDivisor = fc.oneof(
  fc.integer({ min: 1, max: 5000 }),
  fc.constantFrom(0.25, 8, 2 ** 27, 2 ** 30 + 1),
  fc.double({ min: 1e-3, max: 1e6, noNaN: true }),
);

/** Runs both; checks that they agree in everything, and with the definition. Returns how many numbers stay open. */
function check(
  columns: readonly (readonly number[])[],
  weights: readonly number[],
  divisor: number,
  type: ElementType,
  outType: ElementType,
  shift = 0,
): number {
  pair.reset();
  const count = columns[0]!.length;
  const inputs = columns.map((column) => pair.put(type, column, shift));
  const out = pair.reserve(count * ELEMENT_BYTES[outType], shift);
  const undecided = pair.reserve(count * 4);
  const args = { inputs, type, weights, divisor, out, outType, count, undecided };
  const open = pair.compiled.mean(args);
  assert.equal(open, pair.twin.mean(args));
  pair.assertSame(undecided, 4 * open);
  const left = new Set(pair.compiled.uint32(undecided, open));
  const [compiled, twin] = [pair.compiled, pair.twin].map(({ memory }) => readElements(memory, outType, out, count));
  for (let i = 0; i < count; i++) {
    const values = columns.map((column) => roundTo(column[i]!, type));
    const exact = exactReference(values, weights, divisor, outType);
    if (!Number.isFinite(exact)) assert.ok(left.has(i), `${values} is not finite, and was taken`);
    if (left.has(i)) continue;
    assert.ok(Object.is(compiled![i], exact), `${type} ${values} · ${weights} / ${divisor}: ${compiled![i]} is not ${exact} in ${outType}`);
    assert.ok(Object.is(twin![i], exact));
  }
  return open;
}

test("a mean is the exact one, rounded once, or is left open: any numbers, weights and types", () => {
  const law = fc.property(
    anyInputs(anyValue).chain((inputs) => {
      const many = { minLength: inputs.columns.length, maxLength: inputs.columns.length };
      const weights = fc.oneof(fc.constant(inputs.columns.map(() => 1)), fc.array(wholeWeight, many), fc.array(anyWeight, many));
      return fc.record({ inputs: fc.constant(inputs), weights, divisor: anyDivisor, type: anyType, outType: anyType });
    }),
    ({ inputs: { columns, shift }, weights, divisor, type, outType }) => {
      check(columns, weights, divisor, type, outType, shift);
    },
  );
  fc.assert(law, { numRuns: 1500 });
});

test("uniform means of each type in its own type are decided, ties among them", () => {
  for (const type of ["F32", "F16", "BF16", "F64"] as const) {
    const law = fc.property(anyInputs(fc.integer({ min: -30000, max: 30000 }).map((n) => n / 1024)), ({ columns, shift }) => {
      assert.equal(
        check(
          columns,
          columns.map(() => 1),
          columns.length,
          type,
          type,
          shift,
        ),
        0,
      );
    });
    fc.assert(law, { numRuns: 150 });
  }
});

test("halves go to even, whatever lies on the way", () => {
  const ulp = 2 ** -23;
  assert.equal(
    check(
      [
        [1, 1 + ulp, 1 + 2 * ulp],
        [1 + ulp, 1 + 2 * ulp, 1 + 3 * ulp],
      ],
      [1, 1],
      2,
      "F32",
      "F32",
    ),
    0,
  );
  const out = pair.compiled.float32;
  assert.ok(out);
  // A tie of bf16 that is none in f64, but would be one after a rounding to f32.
  assert.equal(check([[1 + 2 ** -8], [2 ** -40]], [1, 1], 1, "F64", "BF16"), 0);
});

test("a small term decides a tie however far it lies", () => {
  // 1 + 2^-24 is a tie of f32; the third term is 2^-100 of it.
  assert.equal(
    check(
      [
        [1, 1],
        [2 ** -24, 2 ** -24],
        [2 ** -120, -(2 ** -120)],
      ],
      [1, 1, 1],
      1,
      "F32",
      "F32",
    ),
    0,
  );
});

test("terms that cancel leave what is left, or the number open", () => {
  const columns = [2 ** 120, 2 ** 40, 2 ** -60, -(2 ** 120), -(2 ** 40)].map((value) => [value]);
  for (let turn = 0; turn < columns.length; turn++) {
    check(columns.slice(turn).concat(columns.slice(0, turn)), [1, 1, 1, 1, 1], 5, "F32", "F32");
  }
});

test("a sum of zeros is negative only if they all are", () => {
  for (const type of ["F64", "F32", "F16", "BF16"] as const) {
    const zeros = [Array<number>(11).fill(-0), [...Array<number>(5).fill(-0), ...Array<number>(6).fill(0)]];
    assert.equal(check(zeros, [1, 1], 2, type, type), 0);
    assert.equal(check(zeros, [1, 3], 4, type, type), 0);
    assert.equal(check(zeros, [0.3, 0.7], 1, type, type), 0);
  }
});

test("f64 means in f64 are decided but for exact ties that its digits cannot show", () => {
  fc.assert(
    fc.property(anyInputs(fc.maxSafeInteger().map((n) => n / 2 ** 50)), ({ columns, shift }) => {
      const open = check(
        columns,
        columns.map(() => 1),
        columns.length,
        "F64",
        "F64",
        shift,
      );
      assert.ok(open <= 1 + columns[0]!.length / 4, `${open} of ${columns[0]!.length} are open`);
    }),
    { numRuns: 150 },
  );
});

test("many inputs, and all weights that are too large or too small stay open", () => {
  const columns = Array.from({ length: 300 }, (_, k) => [1 + k / 512, -k, 2 ** -(k % 100)]);
  check(
    columns,
    columns.map(() => 1),
    300,
    "F32",
    "F32",
  );
  check(
    columns,
    columns.map((_, k) => 0.1 * (k + 1)),
    300,
    "BF16",
    "BF16",
  );
  assert.equal(check([[1, 2]], [2 ** 300], 1, "F32", "F32"), 2);
  assert.throws(
    () => pair.compiled.mean({ inputs: [], type: "F32", weights: [], divisor: 1, out: 0, outType: "F32", count: 0, undecided: 0 }),
    /1 to 4096 inputs, got 0/,
  );
  assert.throws(() => check([[1]], [1], 0, "F32", "F32"), /positive divisor, got 0/);
});

test("a divisor with a tail rounds as the sum of both does", () => {
  fc.assert(
    fc.property(fc.array(anyNumber, { minLength: 5, maxLength: 5 }), fc.double({ min: 0.5, max: 2, noNaN: true }), (column, divisor) => {
      pair.reset();
      const inputs = [pair.put("F32", column)];
      const out = pair.reserve(40);
      const undecided = pair.reserve(20);
      const tail = divisor * 2 ** -60;
      const args = { inputs, type: "F32", weights: [1], divisor, divisorTail: tail, out, outType: "F64", count: 5, undecided } as const;
      const open = pair.compiled.mean(args);
      assert.equal(open, pair.twin.mean(args));
      const left = new Set(pair.compiled.uint32(undecided, open));
      const means = readElements(pair.compiled.memory, "F64", out, 5);
      for (const [i, value] of column.entries()) {
        // value / (d (1 + 2^-60)) = value 2^60 / (d (2^60 + 1)): as the mean of one value of weight 2^60, divided by d several times.
        if (!left.has(i)) assert.ok(Math.abs(means[i]! * divisor - roundTo(value, "F32")) <= Math.abs(value) * 2 ** -51);
      }
    }),
  );
});

test("one input of f64, as sums are: divided and rounded once, ties and numbers of any magnitude among them", () => {
  const outType = fc.constantFrom<ElementType>("F32", "F16", "BF16");
  const tie = fc.integer({ min: -(2 ** 26), max: 2 ** 26 }).map((n) => n / 2 ** 20);
  const far = fc.tuple(anyNumber, fc.integer({ min: -260, max: 260 })).map(([x, exponent]) => x * 2 ** exponent);
  const law = fc.property(
    fc.array(fc.oneof(tie, far), { minLength: 1, maxLength: 13 }),
    fc.constantFrom(1, -1),
    fc.integer({ min: 1, max: 2 ** 20 }),
    outType,
    fc.nat(7),
    (column, weight, divisor, type, shift) => {
      const ties = column.map((x, i) => (i % 2 === 0 ? x * divisor : x));
      check([ties], [weight], divisor, "F64", type, shift);
    },
  );
  fc.assert(law, { numRuns: 1000 });
});
