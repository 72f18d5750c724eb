import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { uint32 } from "#libs/deterministic";
import { type TensorData, writeSafetensors } from "#libs/tensors";
import { createContributionCheck } from "./contribution-check.ts";
import { ContributionError } from "./errors.ts";
import { firstNotFinite } from "./finite.ts";
import type { Layout } from "./layout.ts";
import { bytes, floats, model } from "./testing/models.ts";

/** Checks a file that arrives in pieces of the given lengths, over and over. */
function check(file: Uint8Array, lengths: readonly number[], expected?: Layout, headerBytes = 1 << 20): Layout {
  const checked = createContributionCheck({ size: file.length, headerBytes, expected: () => expected });
  for (let at = 0, k = 0; at < file.length; k++) {
    const piece = file.subarray(at, at + lengths[k % lengths.length]!);
    checked.push(piece);
    at += piece.length;
  }
  return checked.layout();
}

function refusal(work: () => unknown): ContributionError {
  try {
    work();
  } catch (error) {
    assert.ok(error instanceof ContributionError, String(error));
    return error;
  }
  return assert.fail("it should have been refused");
}

const lengths = fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 5 });

test("a layout does not depend on how the bytes are cut", () => {
  const file = model(7);
  const whole = check(file, [file.length]);
  assert.deepEqual(
    whole.map(({ name, dtype, shape }) => `${name} ${dtype} [${shape}]`),
    [
      "body.bias F32 [7]",
      "body.weight F32 [300]",
      "head.empty F32 [0,3]",
      "head.scale F32 []",
      "labels U8 [3]",
      "norm.num_batches_tracked I64 []",
    ],
  );
  fc.assert(fc.property(lengths, (cuts) => assert.deepEqual(check(file, cuts), whole)));
});

test("a number that is not finite is found wherever it lies and however the bytes are cut, and named", () => {
  const bad = fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY);
  const dtype = fc.constantFrom("F32" as const, "F16" as const, "BF16" as const);
  fc.assert(
    fc.property(dtype, fc.integer({ min: 0, max: 98 }), bad, fc.boolean(), lengths, (type, index, value, odd, cuts) => {
      const values = Array.from({ length: 99 }, (_, i) => (i === index ? value : i - 50));
      // An odd number of bytes before the numbers puts them at any alignment.
      const file = writeSafetensors([floats("w", type, values), ...(odd ? [bytes("a", "U8", 1)] : [])]);
      const error = refusal(() => check(file, cuts));
      assert.equal(error.reason, "NOT_FINITE");
      assert.equal(error.message, `tensor "w" is not finite at element ${index}`);
    }),
  );
});

test("the largest numbers of each type are finite", () => {
  for (const [type, largest] of [
    ["F32", 3.4028234663852886e38] as const,
    ["F16", 65504] as const,
    ["BF16", 3.3895313892515355e38] as const,
  ]) {
    check(writeSafetensors([floats("w", type, [largest, -largest, 0, -0, 1e-40])]), [3]);
  }
  const odd = new Uint8Array(9).subarray(1);
  assert.equal(firstNotFinite("F16", odd), -1);
  odd.set([0, 0x7c], 4);
  assert.equal(firstNotFinite("F16", odd), 2);
});

test("another layout than the session's is refused before any data, with every tensor concerned", () => {
  const expected = check(model(1), [1000]);
  const other = writeSafetensors([
    floats("body.weight", "BF16", new Array(300).fill(0)),
    floats("body.bias", "F32", new Array(8).fill(0)),
    floats("extra", "F32", [1]),
    floats("head.empty", "F32", [], [0, 3]),
  ]);
  const error = refusal(() => check(other.subarray(0, other.length), [other.length], expected));
  assert.equal(error.reason, "LAYOUT_MISMATCH");
  assert.equal(
    error.message,
    'tensor "body.bias" is F32 [8]; it has to be F32 [7]; tensor "body.weight" is BF16 [300]; it has to be F32 [300]; ' +
      'tensor "head.scale" is missing; tensor "labels" is missing; tensor "norm.num_batches_tracked" is missing; ' +
      'tensor "extra" is not in the session\'s layout',
  );
});

const REFUSED: readonly [string, Uint8Array | readonly TensorData[], RegExp][] = [
  [
    "a file that is not safetensors",
    new TextEncoder().encode("PK\u0003\u0004 and so on and so forth"),
    /^the contribution is not a valid safetensors file \(header-over-limit\): the header says it has \d+ bytes/,
  ],
  ["a header over the limit", Uint8Array.from([0, 0, 0, 1, 0, 0, 0, 0, 0x7b]), /16777216 bytes, the limit is 1048576/],
  ["F64", [floats("w", "F64", [1])], /tensor "w" is F64; sessions keep exact sums of F32, F16 and BF16 only/],
  ["complex numbers", [{ name: "w", dtype: "C64", shape: [1], data: new Uint8Array(8) }], /tensor "w" is C64, which cannot be averaged/],
  ["no tensors", [], /the contribution has no tensors/],
];
for (const [name, file, message] of REFUSED) {
  test(`${name}: refused`, () => {
    const written = file instanceof Uint8Array ? file : writeSafetensors(file);
    assert.match(refusal(() => check(written, [5])).message, message);
  });
}

test("damaged files are refused or read, never anything else", () => {
  const file = model(3);
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat({ max: 900 }), fc.nat({ max: 255 })), { minLength: 1, maxLength: 4 }), lengths, (flips, cuts) => {
      const damaged = Uint8Array.from(file);
      for (const [at, value] of flips) damaged[at % damaged.length] = value;
      try {
        check(damaged, cuts);
      } catch (error) {
        assert.ok(error instanceof ContributionError, String(error));
      }
    }),
    { numRuns: 500 },
  );
});

test("the search for numbers that are not finite agrees with Number.isFinite", () => {
  for (let round = 0; round < 50; round++) {
    const words = Uint32Array.from({ length: 64 }, (_, i) => uint32(round, i) | (uint32(round + 99, i) % 5 === 0 ? 0x7f80_0000 : 0));
    const expected = new Float32Array(words.buffer).findIndex((value) => !Number.isFinite(value));
    assert.equal(firstNotFinite("F32", new Uint8Array(words.buffer)), expected);
  }
});
