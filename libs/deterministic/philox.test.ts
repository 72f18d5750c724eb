import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { openStream, type PhiloxCounter, type PhiloxKey, PURPOSE, philox } from "./index.ts";
import { high } from "./philox.ts";

const anyWord = fc.integer({ min: 0, max: 2 ** 32 - 1 });

// philox4x32 with 10 rounds in Random123's kat_vectors.
const known: readonly { counter: PhiloxCounter; key: PhiloxKey; words: readonly number[] }[] = [
  { counter: [0, 0, 0, 0], key: [0, 0], words: [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8] },
  {
    counter: [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
    key: [0xffffffff, 0xffffffff],
    words: [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
  },
  {
    counter: [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
    key: [0xa4093822, 0x299f31d0],
    words: [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
  },
];

for (const { counter, key, words } of known) {
  test(`Philox of ${key.map((word) => word.toString(16))} has Random123's words`, () => {
    assert.deepEqual([...philox(counter, key)], words);
  });
}

test("the upper half of a product is exact", () => {
  fc.assert(
    fc.property(anyWord, anyWord, (a, b) => {
      assert.equal(high(a, b) >>> 0, Number((BigInt(a) * BigInt(b)) >> 32n));
    }),
  );
});

test("a stream's words are those of the counters at its place", () => {
  fc.assert(
    fc.property(anyWord, fc.array(anyWord, { maxLength: 3 }), (seed, place) => {
      const stream = openStream([seed, PURPOSE.dropout], place);
      const [a = 0, b = 0, c = 0] = place;
      const blocks = [0, 1, 2].flatMap((block) => [...philox([block, a, b, c], [seed, 3])]);
      assert.deepEqual(Array.from(blocks, stream.uint32), blocks);
    }),
  );
});

test("uniform numbers lie in [0, 1), and bounded ones below their bound", () => {
  fc.assert(
    fc.property(anyWord, fc.integer({ min: 1, max: 2 ** 32 - 1 }), (seed, n) => {
      const stream = openStream([seed, PURPOSE.order]);
      const [uniform, whole] = [stream.uniform(), stream.below(n)];
      assert.ok(uniform >= 0 && uniform < 1);
      assert.ok(Number.isInteger(whole) && whole >= 0 && whole < n);
    }),
  );
});

test("a word that would favour some bounded numbers is passed over", () => {
  // Of three in four words none is left over for a bound of 3 · 2^30; the others are drawn again.
  const bound = 3 * 2 ** 30;
  const [bounded, words] = [openStream([1, 1]), openStream([1, 1])];
  for (let draw = 0; draw < 50; draw++) {
    let product: bigint;
    do product = BigInt(words.uint32()) * BigInt(bound);
    while (product % 2n ** 32n < 2n ** 32n % BigInt(bound));
    assert.equal(bounded.below(bound), Number(product >> 32n));
  }
});

for (const n of [0, -1, 1.5, 2 ** 32, Number.NaN]) {
  test(`there is no whole number below ${n}`, () => {
    assert.throws(() => openStream([1, 1]).below(n), {
      name: "RangeError",
      message: `below: expected a whole number from 1 to 4294967295, got ${n}`,
    });
  });
}

test("normal numbers have the distribution's moments and share beyond two", () => {
  const stream = openStream([5, PURPOSE.initialisation]);
  const numbers = Array.from({ length: 100_000 }, stream.normal);
  const moment = (power: (x: number) => number) => numbers.reduce((sum, x) => sum + power(x), 0) / numbers.length;
  assert.ok(Math.abs(moment((x) => x)) < 0.01);
  assert.ok(Math.abs(moment((x) => x * x) - 1) < 0.02);
  assert.ok(Math.abs(moment((x) => x * x * x * x) - 3) < 0.1);
  assert.ok(Math.abs(moment((x) => (Math.abs(x) > 2 ? 1 : 0)) - 0.0455) < 0.003);
});

test("truncated normal numbers are the normal ones within the bounds", () => {
  const [all, cut] = [openStream([5, 4]), openStream([5, 4])];
  const within = Array.from({ length: 1000 }, all.normal).filter((x) => x >= -1 && x <= 0.5);
  assert.deepEqual(
    Array.from(within, () => cut.truncatedNormal(-1, 0.5)),
    within,
  );
});

test("a shuffle keeps all elements, and every order comes as often as the others", () => {
  const counts = new Map<string, number>();
  for (let seed = 0; seed < 6000; seed++) {
    const order = openStream([seed, PURPOSE.order]).shuffle(["a", "b", "c"]).join("");
    counts.set(order, (counts.get(order) ?? 0) + 1);
  }
  assert.deepEqual([...counts.keys()].sort(), ["abc", "acb", "bac", "bca", "cab", "cba"]);
  for (const count of counts.values()) assert.ok(Math.abs(count - 1000) < 150, `${count}`);
});
