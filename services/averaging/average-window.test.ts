import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { averageWindow, type LinearAverage, uniformAverage, type Values } from "./average-window.ts";

// Values of all magnitudes, and small sets in which ties, cancellations and zeros of both signs are frequent.
const anyFloat = fc.oneof(
  fc.float({ noNaN: true, noDefaultInfinity: true }),
  fc.integer({ min: -9, max: 9 }).map((n) => n / 8),
  fc.constantFrom(
    0,
    -0,
    1,
    1 + 2 ** -23,
    -1,
    2 ** -149,
    -(2 ** -149),
    2 ** 120,
    -(2 ** 120),
    2 ** 40,
    -(2 ** 40),
    2 ** -60,
    3.4028234663852886e38,
  ),
);
const anyWeight = fc.oneof(
  fc.constantFrom(1, 0.5, 0.25, -1, 3, 0),
  fc.double({ min: -4, max: 4, noNaN: true }),
  fc.constantFrom(1e-300, -1e-30, 0.1),
);
const anyRows = fc
  .record({ count: fc.integer({ min: 1, max: 9 }), length: fc.integer({ min: 1, max: 12 }) })
  .chain(({ count, length }) =>
    fc.array(fc.array(anyFloat, { minLength: length, maxLength: length }), { minLength: count, maxLength: count }),
  );
const anyAverage = anyRows.chain((rows) =>
  fc
    .oneof(
      fc.constant(uniformAverage(rows.length)),
      fc.array(anyWeight, { minLength: rows.length, maxLength: rows.length }).map((weights) => ({ weights, divisor: 1 })),
    )
    .map((average) => ({ rows, average })),
);

const run = (members: Values[], average: LinearAverage) => {
  const out = new Float32Array(members[0]!.length);
  const firstBad = averageWindow(members, average, out);
  return { out, firstBad };
};
const bits = (values: Float32Array) => [...new Uint32Array(values.buffer)];
const singles = (rows: number[][]) => rows.map((row) => Float32Array.from(row));

test("every number is the float32 nearest to the exact average, ties to even", () => {
  fc.assert(
    fc.property(anyAverage, ({ rows, average }) => {
      const { out } = run(singles(rows), average);
      out.forEach((value, i) => {
        const column = rows.map((row) => row[i]!);
        assert.ok(isCorrectlyRounded(value, column, average), `${value} for ${column} with ${average.weights} / ${average.divisor}`);
      });
    }),
    { numRuns: 3000 },
  );
});

test("the same for float64 members, also of magnitudes that float32 does not have", () => {
  const anyDouble = fc.oneof(
    anyFloat,
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.constantFrom(1e-310, 2 ** -150, 1 + 2 ** -24, 1 + 2 ** -24 + 2 ** -52),
  );
  fc.assert(
    fc.property(fc.array(anyDouble, { minLength: 1, maxLength: 6 }), (column) => {
      const average = uniformAverage(column.length);
      const { out } = run(
        column.map((value) => Float64Array.of(value)),
        average,
      );
      assert.ok(isCorrectlyRounded(out[0]!, column, average), `${out[0]} for ${column}`);
    }),
    { numRuns: 3000 },
  );
});

test("the order of the members does not change a bit", () => {
  fc.assert(
    fc.property(
      anyAverage.chain(({ rows, average }) =>
        fc.record({
          rows: fc.constant(rows),
          average: fc.constant(average),
          order: fc.shuffledSubarray([...rows.keys()], { minLength: rows.length, maxLength: rows.length }),
        }),
      ),
      ({ rows, average, order }) => {
        const permuted = { weights: order.map((k) => average.weights[k]!), divisor: average.divisor };
        const members = singles(rows);
        assert.deepEqual(
          bits(
            run(
              order.map((k) => members[k]!),
              permuted,
            ).out,
          ),
          bits(run(members, average).out),
        );
      },
    ),
    { numRuns: 2000 },
  );
});

test("sums of mixed magnitudes, where plain f64 sums depend on the order", () => {
  const column = [2 ** 120, 2 ** 40, 2 ** -60, -(2 ** 120), -(2 ** 40)];
  assert.notEqual(
    column.reduce((a, b) => a + b),
    column.toReversed().reduce((a, b) => a + b),
  );
  const expected = Math.fround(2 ** -60 / 5);
  for (const order of [column, column.toReversed(), column.toSorted((a, b) => a - b)]) {
    assert.equal(run(singles(order.map((value) => [value])), uniformAverage(5)).out[0], expected);
  }
});

test("the average of one model is that model, and of equal models that model", () => {
  fc.assert(
    fc.property(fc.array(anyFloat, { minLength: 1, maxLength: 20 }), fc.integer({ min: 1, max: 40 }), (row, copies) => {
      const members = singles(new Array(copies).fill(row));
      assert.deepEqual(bits(run(members, uniformAverage(copies)).out), bits(Float32Array.from(row)));
    }),
  );
});

test("where a window begins does not change a bit", () => {
  fc.assert(
    fc.property(anyAverage, fc.nat({ max: 12 }), ({ rows, average }, cut) => {
      const members = singles(rows);
      const parts = [members.map((member) => member.subarray(0, cut)), members.map((member) => member.subarray(cut))];
      const out = parts.flatMap((part) => bits(run(part, average).out));
      assert.deepEqual(out, bits(run(members, average).out));
    }),
  );
});

test("doubling all weights doubles the average", () => {
  fc.assert(
    fc.property(anyAverage, ({ rows, average }) => {
      const members = singles(rows.map((row) => row.map((value) => value / 4)));
      const once = run(members, average).out;
      const twice = run(members, { weights: average.weights.map((weight) => weight * 2), divisor: average.divisor }).out;
      // Below 2^-125 doubling recovers bits that rounding had taken.
      once.forEach((value, i) => {
        if (Math.abs(value) > 2 ** -125) assert.equal(twice[i], Math.fround(value * 2));
      });
    }),
  );
});

const BAD: [string, Values[], LinearAverage, number][] = [
  ["NaN in a member", [Float32Array.of(1, Number.NaN), Float32Array.of(1, 1)], uniformAverage(2), 1],
  ["opposite infinities", [Float32Array.of(Number.POSITIVE_INFINITY), Float32Array.of(Number.NEGATIVE_INFINITY)], uniformAverage(2), 0],
  ["infinity in the only member", [Float32Array.of(0, 0, Number.POSITIVE_INFINITY)], uniformAverage(1), 2],
  ["a weighted sum beyond float32", [Float32Array.of(3e38), Float32Array.of(3e38)], { weights: [1, 1], divisor: 1 }, 0],
  ["a float64 beyond float32", [Float64Array.of(1e39)], uniformAverage(1), 0],
];
for (const [name, members, average, index] of BAD) {
  test(`${name} is reported with its place`, () => {
    assert.equal(run(members, average).firstBad, index);
  });
}

test("the largest numbers have an average, although their sum is too large for float32", () => {
  const largest = 3.4028234663852886e38;
  assert.deepEqual(
    run(
      singles([
        [largest, largest],
        [largest, -largest],
      ]),
      uniformAverage(2),
    ),
    { out: Float32Array.of(largest, 0), firstBad: -1 },
  );
  const double = Number.MAX_VALUE;
  assert.deepEqual(
    run([Float64Array.of(double), Float64Array.of(double), Float64Array.of(-double), Float64Array.of(-double)], uniformAverage(4)).out,
    Float32Array.of(0),
  );
});

/** Whether `result` is the nearest float32 to Σ w·x / divisor, by whole numbers: twice the exact value against the sums with both neighbours. */
function isCorrectlyRounded(result: number, column: number[], { weights, divisor }: LinearAverage): boolean {
  const unit = 1074n;
  const exact = column.reduce((sum, value, k) => sum + toUnits(value) * toUnits(weights[k]!), 0n);
  if (exact === 0n) {
    const negative = column.every((value, k) => Object.is(value * weights[k]!, -0));
    return Object.is(result, negative ? -0 : 0);
  }
  const scaled = (value: number) => (toUnits(value) * BigInt(divisor)) << unit;
  // Infinity stands where the next power of two would: rounding to it begins halfway there.
  const place = (value: number) => scaled(Number.isFinite(value) ? value : Math.sign(value) * 2 ** 128);
  if (Number.isNaN(result) || exact > 0n !== (result > 0 || Object.is(result, 0))) return false;
  const below = place(result) + place(neighbour(result, -1));
  const above = place(result) + place(neighbour(result, 1));
  const even = (new Uint32Array(Float32Array.of(result).buffer)[0]! & 1) === 0;
  const low = 2n * exact - below;
  const high = above - 2n * exact;
  const notLower = result === Number.NEGATIVE_INFINITY || (even ? low >= 0n : low > 0n);
  const notHigher = result === Number.POSITIVE_INFINITY || (even ? high >= 0n : high > 0n);
  return notLower && notHigher;
}

function toUnits(value: number): bigint {
  // Powers of two until it is whole; slow and plain.
  let scaled = value;
  let exponent = 1074;
  while (!Number.isInteger(scaled)) {
    scaled *= 2;
    exponent--;
  }
  return BigInt(scaled) << BigInt(exponent);
}

/** The next float32 towards +∞ (1) or −∞ (−1). */
function neighbour(value: number, direction: 1 | -1): number {
  if (value === 0) return direction * 2 ** -149;
  if (!Number.isFinite(value)) return Math.sign(value) === direction ? value : Math.sign(value) * 3.4028234663852886e38;
  const word = new Uint32Array(Float32Array.of(value).buffer);
  word[0]! += value > 0 === direction > 0 ? 1 : -1;
  return new Float32Array(word.buffer)[0]!;
}
