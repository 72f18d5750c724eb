import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { crc32c, loadKernels } from "./index.ts";
import { anyInputs, anyNumber, anyType, anyValue, createPair } from "./testing/pair.ts";
import { readElements } from "./twins/elements.ts";
import { ELEMENT_BYTES, type Kernels } from "./types.ts";

const pair = createPair();

/** Fails unless the same numbers stand in both arrays, zeros with their signs; one NaN is like another. */
function assertNumbers(actual: Float64Array, expected: Float64Array): void {
  assert.equal(actual.length, expected.length);
  for (const [i, value] of actual.entries()) assert.ok(Object.is(value, expected[i]), `element ${i}: ${value} is not ${expected[i]}`);
}

/** Runs something with both. */
function both(run: (kernels: Kernels) => void): void {
  run(pair.compiled);
  run(pair.twin);
}

test("products are added where that is exact, and what is left open agrees with the twin", () => {
  const near = fc.integer({ min: -4096, max: 4096 }).map((n) => n / 256);
  const law = fc.property(
    fc.array(fc.tuple(fc.oneof(near, anyValue), fc.oneof(near, fc.constantFrom(0, -0), anyValue)), { maxLength: 21 }),
    fc.oneof(fc.constantFrom(1, -1, 0, -0, 3), fc.float({ noNaN: true, noDefaultInfinity: true })),
    fc.constantFrom("negative" as const, "positive" as const, "both" as const),
    (pairs, factor, zeros) => {
      pair.reset();
      const count = pairs.length;
      const given = pairs.map(([sum]) => sum);
      const sums = pair.put("F64", given);
      const values = pair.put(
        "F32",
        pairs.map(([, value]) => value),
      );
      const open = pair.reserve(4 * count);
      const args = { sums, values, factor, zeros, count, open };
      const found = pair.compiled.addProducts(args);
      assert.equal(found, pair.twin.addProducts(args));
      pair.assertSame(open, 4 * found);
      pair.assertSame(sums, 8 * count);
      for (const i of pair.compiled.uint32(open, found)) assert.ok(Object.is(pair.compiled.float64(sums, count)[i], given[i]));
    },
  );
  fc.assert(law, { numRuns: 3000 });
});

test("combine agrees with its twin in every bit", () => {
  const law = fc.property(
    anyInputs(anyValue),
    anyType,
    anyType,
    fc.infiniteStream(fc.double({ min: -3, max: 3, noNaN: true })),
    (given, type, outType, some) => {
      pair.reset();
      const { columns, count, shift } = given;
      const inputs = columns.map((column) => pair.put(type, column, shift));
      const coefficients = [...some.take(columns.length)];
      const out = pair.reserve(count * ELEMENT_BYTES[outType], shift);
      both((kernels) => kernels.combine({ inputs, type, coefficients, out, outType, count }));
      pair.assertSame(out, count * ELEMENT_BYTES[outType]);
    },
  );
  fc.assert(law, { numRuns: 2000 });
});

test("differences agree with their twin in every bit, also in place", () => {
  const law = fc.property(anyInputs(anyValue), fc.constantFrom("F32" as const, "F64" as const), (given, type) => {
    pair.reset();
    const [from, minus] = [given.columns[0]!, given.columns.at(-1)!.toReversed()].map((column) => pair.put(type, column, given.shift));
    both((kernels) => kernels.difference(type, from!, minus!, from!, given.count));
    pair.assertSame(from!, given.count * ELEMENT_BYTES[type]);
  });
  fc.assert(law, { numRuns: 500 });
});

test("the first number that is not finite is found where its twin finds it", () => {
  const rarely = fc.oneof({ weight: 200, arbitrary: anyNumber }, { weight: 1, arbitrary: anyValue });
  const law = fc.property(anyInputs(rarely, { inputs: 1, count: 150 }), anyType, ({ columns, count, shift }, type) => {
    pair.reset();
    const address = pair.put(type, columns[0]!, shift);
    assert.equal(pair.compiled.firstNotFinite(type, address, count), pair.twin.firstNotFinite(type, address, count));
  });
  fc.assert(law, { numRuns: 1500 });
});

test("gram agrees with its twin in every bit, also over more columns than are taken at once", () => {
  const law = fc.property(
    anyInputs(anyNumber, { inputs: 10, count: 30 }),
    anyType,
    fc.boolean(),
    fc.constantFrom(1, 40),
    (given, type, withBase, times) => {
      pair.reset();
      const columns = given.columns.map((column) => Array<number[]>(times).fill(column).flat());
      const count = given.count * times;
      const inputs = columns.map((column) => pair.put(type, column, given.shift));
      const base = withBase ? { base: inputs[0]! } : {};
      const out = pair.reserve(8 * inputs.length ** 2);
      both((kernels) => kernels.gram({ inputs, type, ...base, count, out }));
      const [a, b] = [pair.compiled, pair.twin].map((kernels) => [...kernels.float64(out, inputs.length ** 2)]);
      assert.deepEqual(a, b);
    },
  );
  fc.assert(law, { numRuns: 500 });
});

test("gram of vectors that one can do by hand", () => {
  pair.reset();
  const inputs = [pair.put("F32", [1, 2, 3]), pair.put("F32", [0, -1, 4])];
  const out = pair.reserve(32);
  pair.compiled.gram({ inputs, type: "F32", count: 3, out });
  assert.deepEqual([...pair.compiled.float64(out, 4)], [14, 10, 10, 17]);
  pair.compiled.gram({ inputs, type: "F32", base: inputs[0]!, count: 3, out });
  assert.deepEqual([...pair.compiled.float64(out, 4)], [0, 0, 0, 11]);
});

test("widen and narrow agree with their twins; every pattern of 16 bits comes back", () => {
  for (const type of ["F16", "BF16"] as const) {
    for (const toType of ["F32", "F64"] as const) {
      const kernels = loadKernels();
      const patterns = Uint16Array.from({ length: 65536 }, (_, pattern) => pattern);
      const [from, wide, back] = [kernels.allocate(131072), kernels.allocate(65536 * 8), kernels.allocate(131072)];
      kernels.bytes(from, 131072).set(new Uint8Array(patterns.buffer));
      kernels.widen(type, from, wide, toType, 65536);
      const expected = readElements(kernels.memory, type, from, 65536);
      assertNumbers(readElements(kernels.memory, toType, wide, 65536), expected);
      if (toType === "F32") continue;
      kernels.narrow(wide, type, back, 65536);
      const nan = { F16: 0x7e00, BF16: 0x7fc0 }[type];
      assert.deepEqual(
        new Uint16Array(kernels.bytes(back, 131072).slice().buffer),
        patterns.map((pattern) => (Number.isNaN(expected[pattern]) ? nan : pattern)),
      );
    }
  }
  const law = fc.property(fc.array(anyValue, { maxLength: 30 }), fc.nat({ max: 9 }), anyType, (values, shift, type) => {
    pair.reset();
    const from = pair.put("F64", values, shift);
    const length = values.length * ELEMENT_BYTES[type];
    const to = pair.reserve(length, shift);
    both((kernels) => kernels.narrow(from, type, to, values.length));
    pair.assertSame(to, length);
    for (const toType of ["F32", "F64"] as const) {
      if (type === "F64" && toType === "F32") continue;
      const wide = pair.reserve(values.length * 8, shift);
      both((kernels) => kernels.widen(type, to, wide, toType, values.length));
      assertNumbers(
        readElements(pair.compiled.memory, toType, wide, values.length),
        readElements(pair.twin.memory, toType, wide, values.length),
      );
    }
  });
  fc.assert(law, { numRuns: 1000 });
  assert.throws(() => pair.compiled.widen("F64", 0, 0, "F32", 0), /narrow it/);
});

test("crc32c has its check value, agrees with its twin, and goes on where it stopped", () => {
  assert.equal(crc32c(new TextEncoder().encode("123456789")), 0xe3069283);
  // RFC 3720, B.4.
  assert.equal(crc32c(new Uint8Array(32)), 0x8a9136aa);
  assert.equal(crc32c(new Uint8Array(32).fill(0xff)), 0x62a8ab43);
  assert.equal(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i)), 0x46dd794e);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat({ max: 200 }), fc.nat({ max: 17 }), (bytes, cut, shift) => {
      pair.reset();
      const address = pair.reserve(bytes.length, shift);
      both((kernels) => kernels.bytes(address, bytes.length).set(bytes));
      const whole = pair.compiled.crc32c(address, bytes.length);
      assert.equal(whole, pair.twin.crc32c(address, bytes.length));
      assert.equal(crc32c(bytes.subarray(cut), crc32c(bytes.subarray(0, cut))), whole);
    }),
  );
  const large = new Uint8Array(200_000).fill(7);
  assert.equal(crc32c(large), crc32c(large.subarray(99_999), crc32c(large.subarray(0, 99_999))));
});

test("memory is given out apart, aligned, and again after a release", () => {
  const kernels = loadKernels();
  const first = kernels.allocate(100);
  const second = kernels.allocate(10_000_000);
  assert.equal(first % 64, 0);
  assert.ok(second >= first + 100);
  kernels.bytes(second, 10_000_000).fill(1);
  kernels.release();
  assert.equal(kernels.allocate(1), first);
  assert.notEqual(loadKernels().memory, kernels.memory);
});
