import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type NarrowDtype, narrow, widen } from "./index.ts";

const FORMATS = {
  BF16: { exponentBits: 8, mantissaBits: 7, nan: 0x7fc0 },
  F16: { exponentBits: 5, mantissaBits: 10, nan: 0x7e00 },
} as const;
const all = Uint16Array.from({ length: 65536 }, (_, pattern) => pattern);
const bytesOf = (values: Uint16Array | Uint32Array | Float64Array) => new Uint8Array(values.buffer, values.byteOffset, values.byteLength);

for (const [dtype, { nan }] of Object.entries(FORMATS) as [keyof typeof FORMATS, (typeof FORMATS)[keyof typeof FORMATS]][]) {
  const values = new Float64Array(65536);
  widen(dtype, bytesOf(all), values);

  test(`${dtype}: all 65536 patterns have the value that the definition gives`, () => {
    for (const pattern of all)
      assert.ok(Object.is(values[pattern], definedValue(dtype, pattern)), `pattern ${pattern}: ${values[pattern]}`);
  });

  for (const [source, type] of [["f64", Float64Array] as const, ["f32", Float32Array] as const]) {
    test(`${dtype}: all 65536 patterns come back from ${source}, every NaN as the one quiet NaN`, () => {
      const back = toPatterns(dtype, type.from(values));
      for (const pattern of all) assert.equal(back[pattern], Number.isNaN(values[pattern]) ? nan : pattern);
    });
  }

  test(`${dtype}: every midpoint goes to even, and its two neighbours in f64 to the nearer side`, () => {
    // Positive finite patterns; the last one's upper neighbour stands where the exponent range would go on.
    const largest = all.findIndex((pattern) => values[pattern] === Number.POSITIVE_INFINITY) - 1;
    for (let pattern = 0; pattern <= largest; pattern++) {
      const lower = values[pattern]!;
      const upper = pattern === largest ? lower + (lower - values[pattern - 1]!) : values[pattern + 1]!;
      const middle = lower + (upper - lower) / 2;
      const even = pattern % 2 === 0 ? pattern : pattern + 1;
      const points = [neighbour(middle, -1), middle, neighbour(middle, 1)];
      const rounded = [pattern, even, pattern + 1];
      assert.deepEqual([...toPatterns(dtype, new Float64Array(points))], rounded, `around ${middle}`);
      assert.deepEqual(
        [...toPatterns(dtype, new Float64Array(points.map((point) => -point)))],
        rounded.map((bits) => bits | 0x8000),
      );
    }
  });

  test(`${dtype}: any f64 becomes the nearest value, ties to even`, () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true }), (value) => {
        const [pattern] = toPatterns(dtype, new Float64Array([value]));
        assert.equal(pattern, nearest(values, value), String(value));
      }),
      { numRuns: 2000 },
    );
  });
}

test("F32: narrowing is the engine's own rounding, and NaN has one pattern", () => {
  fc.assert(
    fc.property(fc.double(), (value) => {
      const out = new Uint8Array(4);
      narrow("F32", new Float64Array([value]), out);
      const [bits] = new Uint32Array(out.buffer);
      if (Number.isNaN(value)) assert.equal(bits, 0x7fc00000);
      else assert.ok(Object.is(new Float32Array(out.buffer)[0], Math.fround(value)));
    }),
  );
});

test("every float type keeps its own values when it is widened and narrowed, aligned or not", () => {
  fc.assert(
    fc.property(
      fc.constantFrom<NarrowDtype>("F64", "F32", "F16", "BF16"),
      fc.array(fc.double({ noNaN: true })),
      fc.nat({ max: 3 }),
      (dtype, values, offset) => {
        const size = { F64: 8, F32: 4, F16: 2, BF16: 2 }[dtype];
        const room = new Uint8Array(values.length * size + offset);
        const once = room.subarray(offset);
        narrow(dtype, new Float64Array(values), once);
        const wide = new Float64Array(values.length);
        widen(dtype, once, wide);
        const twice = new Uint8Array(once.length);
        narrow(dtype, wide, twice);
        assert.deepEqual(twice, new Uint8Array(once));
      },
    ),
  );
});

test("64-bit integers beyond 2^53 are refused, not rounded", () => {
  const out = new Float64Array(1);
  widen("I64", new Uint8Array(new BigInt64Array([-9007199254740991n]).buffer), out);
  assert.equal(out[0], -9007199254740991);
  assert.throws(() => widen("I64", new Uint8Array(new BigInt64Array([9007199254740993n]).buffer), out), /9007199254740993.*beyond/);
  assert.throws(() => widen("U64", new Uint8Array(new BigUint64Array([2n ** 64n - 1n]).buffer), out), RangeError);
});

test("lengths that do not fit and types without a reading are refused", () => {
  assert.throws(() => widen("F32", new Uint8Array(7), new Float64Array(2)), /2 elements of 4 bytes/);
  assert.throws(() => narrow("F16", new Float64Array(2), new Uint8Array(3)), /need 4 bytes, got 3/);
  assert.throws(() => widen("F4", new Uint8Array(1), new Float64Array(2)), TypeError);
});

function definedValue(dtype: keyof typeof FORMATS, pattern: number): number {
  const { exponentBits, mantissaBits } = FORMATS[dtype];
  const sign = pattern & 0x8000 ? -1 : 1;
  const exponent = (pattern & 0x7fff) >>> mantissaBits;
  const fraction = (pattern & (2 ** mantissaBits - 1)) / 2 ** mantissaBits;
  const bias = 2 ** (exponentBits - 1) - 1;
  if (exponent === 2 ** exponentBits - 1) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return exponent === 0 ? sign * fraction * 2 ** (1 - bias) : sign * (1 + fraction) * 2 ** (exponent - bias);
}

function toPatterns(dtype: NarrowDtype, values: Float64Array | Float32Array): Uint16Array {
  const out = new Uint8Array(values.length * 2);
  narrow(dtype, values, out);
  return new Uint16Array(out.buffer);
}

/** The next double above (+1) or below (-1) a positive one. */
function neighbour(value: number, step: 1 | -1): number {
  const bits = new BigInt64Array(new Float64Array([value]).buffer);
  bits[0]! += BigInt(step);
  return new Float64Array(bits.buffer)[0]!;
}

/** The pattern of the nearest value by binary search over the ordered positive patterns. */
function nearest(values: Float64Array, value: number): number {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const magnitude = Math.abs(value);
  const infinity = values.indexOf(Number.POSITIVE_INFINITY);
  let low = 0;
  let high = infinity;
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if (values[middle]! <= magnitude) low = middle;
    else high = middle;
  }
  const upper = high === infinity ? 2 * values[low]! - values[low - 1]! : values[high]!;
  const halfway = values[low]! + (upper - values[low]!) / 2;
  if (magnitude === halfway) return sign | (low % 2 === 0 ? low : high);
  return sign | (magnitude > halfway ? high : low);
}
