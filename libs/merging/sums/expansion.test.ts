import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { exactMean } from "../exact/index.ts";
import { addToExpansion, expansionOf, productError } from "./expansion.ts";

// Numbers whose sums need many parts, with ties, cancellations and the ends of the range.
const hostile = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true, min: -(2 ** 900), max: 2 ** 900 }),
  fc.constantFrom(
    0,
    1,
    -1,
    2 ** 120,
    -(2 ** 120),
    2 ** 40,
    -(2 ** 40),
    2 ** -60,
    2 ** -1074,
    2 ** -149,
    3.4028234663852886e38,
    0.1,
    2 ** 53,
  ),
  fc
    .record({ n: fc.integer({ min: -5, max: 5 }), e: fc.integer({ min: -20, max: 20 }) })
    .map(({ n, e }) => n * 2 ** (53 * Math.floor(e / 4))),
);

/** The sum in whole numbers, rounded once. */
const sumOf = (terms: readonly number[]) => exactMean(terms, new Array<number>(terms.length).fill(1), 1, "F64");

test("the parts of a sum are the sum, exactly", () => {
  fc.assert(
    fc.property(fc.array(hostile, { maxLength: 12 }), (terms) => {
      const parts = expansionOf(terms);
      // The difference of the two is zero in whole numbers.
      assert.equal(Math.abs(sumOf([...terms, ...parts.map((part) => -part)])), 0);
    }),
  );
});

test("each part is what is left, rounded to nearest, so equal sums have equal parts", () => {
  fc.assert(
    fc.property(fc.array(hostile, { maxLength: 12 }), fc.infiniteStream(fc.nat()), (terms, order) => {
      const parts = expansionOf(terms);
      for (let i = 0; i < parts.length; i++) assert.equal(parts[i], sumOf(parts.slice(i)));
      const keyed = terms.map((term) => ({ term, key: order.next().value as number }));
      const shuffled = keyed.sort((a, b) => a.key - b.key).map(({ term }) => term);
      assert.deepEqual(expansionOf(shuffled), parts);
      assert.deepEqual(shuffled.reduce<number[]>(addToExpansion, []), parts);
    }),
  );
});

test("taking a term away again leaves what was there", () => {
  fc.assert(
    fc.property(fc.array(hostile, { maxLength: 8 }), hostile, (terms, term) => {
      const before = expansionOf(terms);
      assert.deepEqual(addToExpansion(addToExpansion(before, term), -term), before);
    }),
  );
});

test("a product and its error are the product, exactly", () => {
  const factor = fc
    .double({ noNaN: true, noDefaultInfinity: true, min: -(2 ** 400), max: 2 ** 400 })
    .filter((x) => Math.abs(x) > 2 ** -400);
  const scale = (x: number) => BigInt(x * 2 ** 452);
  fc.assert(
    fc.property(factor, factor, (a, b) => {
      // Brought near 1, so that whole numbers hold them.
      const near = (x: number) => x / 2 ** Math.floor(Number(lengthOf(x)));
      const [p, q] = [near(a), near(b)];
      const product = p * q;
      const error = productError(p, q, product);
      assert.equal(scale(p) * scale(q), scale(product) * 2n ** 452n + scale(error) * 2n ** 452n);
    }),
  );
});

/** The binary exponent of a number. */
function lengthOf(x: number): number {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, x);
  return ((view.getUint16(0) >> 4) & 0x7ff) - 1023;
}
