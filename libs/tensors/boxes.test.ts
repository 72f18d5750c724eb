import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { boxOf, matchesName } from "./index.ts";

const dimension = fc.integer({ min: 0, max: 5 }).chain((size) =>
  fc.record({
    size: fc.constant(size),
    slice: fc.tuple(fc.nat(size), fc.nat(size)).map(([a, b]) => ({ begin: Math.min(a, b), end: Math.max(a, b) })),
  }),
);

test("the runs of a box are the elements that its slices name, in order, as few runs as there can be", () => {
  fc.assert(
    fc.property(fc.array(dimension, { maxLength: 4 }), fc.nat(4), (dimensions, given) => {
      const full = dimensions.map(({ size }) => size);
      const slices = dimensions.slice(0, given).map(({ slice }) => slice);
      const cuts = full.map((size, i) => slices[i] ?? { begin: 0, end: size });
      const elements = full.reduce((product, size) => product * size, 1);
      const wanted = Array.from({ length: elements }, (_, flat) => flat).filter((flat) => {
        let rest = flat;
        return full.toReversed().every((size, back) => {
          const at = rest % size;
          rest = Math.floor(rest / size);
          const { begin, end } = cuts[full.length - 1 - back]!;
          return begin <= at && at < end;
        });
      });
      const { shape, bytes, runs } = boxOf("U16", full, slices);
      const list = [...runs()];
      assert.deepEqual(
        list.flatMap(({ offset, length }) => Array.from({ length: length / 2 }, (_, i) => offset / 2 + i)),
        wanted,
      );
      assert.deepEqual(
        shape,
        cuts.map(({ begin, end }) => end - begin),
      );
      assert.equal(bytes, 2 * wanted.length);
      for (const [i, { offset }] of list.entries()) if (i > 0) assert.ok(offset > list[i - 1]!.offset + list[i - 1]!.length, "apart");
    }),
  );
});

test("a slice that lies outside, one too many, and one that cuts bytes apart are refused", () => {
  assert.throws(() => boxOf("F32", [2], [{ begin: 0, end: 3 }]), /dimension 0 has the indices 0 to 2; 0 to 3 lies outside/);
  assert.throws(() => boxOf("F32", [2], [{ begin: 2, end: 1 }]), RangeError);
  assert.throws(() => boxOf("F32", [2], [{ begin: 0.5, end: 1 }]), RangeError);
  assert.throws(() => boxOf("F32", [], [{ begin: 0, end: 1 }]), /1 slices, and it has 0 dimensions/);
  assert.throws(() => boxOf("F4", [4], [{ begin: 0, end: 1 }]), /not whole bytes/);
});

test("a pattern means what the regular expression does that it stands for", () => {
  const letters = fc.string({ unit: fc.constantFrom("a", "b", ".", "*", "?"), maxLength: 8 });
  fc.assert(
    fc.property(letters, fc.string({ unit: fc.constantFrom("a", "b", "."), maxLength: 8 }), (pattern, name) => {
      const source = pattern.replaceAll(".", "\\.").replaceAll("*", ".*").replaceAll("?", ".");
      assert.equal(matchesName(pattern, name), new RegExp(`^${source}$`).test(name));
    }),
  );
  assert.equal(matchesName(`${"*a".repeat(200)}b`, "a".repeat(10_000)), false);
});
