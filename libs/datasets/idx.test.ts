import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { IdxError, type IdxRule, parseIdx } from "./index.ts";

const images = new Uint8Array(await readFile(join(import.meta.dirname, "../../data/digits/images-idx3-ubyte")));

test("the digits are 1797 images of 8 × 8", () => {
  assert.deepEqual(parseIdx(images, 3).shape, [1797, 8, 8]);
  assert.equal(parseIdx(images).data.length, 1797 * 64);
});

const WRONG: [string, Uint8Array, number | undefined, IdxRule, RegExp][] = [
  ["an empty file", new Uint8Array(0), undefined, "truncated", /has 0 bytes, the magic number alone needs 4/],
  ["a file cut in its dimensions", images.subarray(0, 10), 3, "truncated", /has 10 bytes, 3 dimensions alone need 16/],
  [
    "a file cut in its data",
    images.subarray(0, 50_000),
    3,
    "truncated",
    /cut short: the shape \[1797, 8, 8\] needs 115024 bytes, the file has 50000/,
  ],
  [
    "a file with bytes after its data",
    new Uint8Array([0, 0, 8, 1, 0, 0, 0, 1, 5, 6]),
    1,
    "trailing",
    /\[1\] needs 9 bytes, the file has 10/,
  ],
  ["labels where images belong", images, 1, "magic", /magic number is 0x00000803, expected 0x00000801 \(unsigned bytes, 1 dimension\)/],
  ["another element type", new Uint8Array([0, 0, 13, 1, 0, 0, 0, 0]), undefined, "magic", /0x00000d01, expected 0x00000801/],
  ["a packed file", new Uint8Array([0x1f, 0x8b, 8, 0]), 3, "magic", /0x1f8b0800 \(a gzip file: unpack it first\), expected 0x00000803/],
  ["no dimensions", new Uint8Array([0, 0, 8, 0]), undefined, "magic", /0x00000800/],
];
for (const [name, bytes, dimensions, rule, message] of WRONG) {
  test(`${name}: ${rule}`, () => {
    assert.throws(
      () => parseIdx(bytes, dimensions),
      (error) => error instanceof IdxError && error.rule === rule && message.test(error.message),
    );
  });
}

test("a file is accepted at exactly one length", () => {
  const anyShape = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(anyShape, fc.integer({ min: -3, max: 3 }), (shape, more) => {
      const size = shape.reduce((a, b) => a * b, 1);
      const begin = 4 + 4 * shape.length;
      const bytes = new Uint8Array(Math.max(0, begin + size + more));
      bytes.set([0, 0, 8, shape.length, ...shape.flatMap((dimension) => [0, 0, 0, dimension])].slice(0, bytes.length));
      if (more === 0) assert.deepEqual(parseIdx(bytes).shape, shape);
      else assert.throws(() => parseIdx(bytes), IdxError);
    }),
  );
});
