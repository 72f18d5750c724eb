import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createByteCache } from "./byte-cache.ts";

test("the least recently used value goes first", () => {
  const cache = createByteCache<string>(10);
  cache.set("a", "A", 4);
  cache.set("b", "B", 4);
  assert.equal(cache.get("a"), "A");
  cache.set("c", "C", 4);
  assert.deepEqual([cache.get("a"), cache.get("b"), cache.get("c")], ["A", undefined, "C"]);
});

test("a value larger than the cache is not kept and pushes nothing out", () => {
  const cache = createByteCache<string>(10);
  cache.set("a", "A", 10);
  cache.set("b", "B", 11);
  assert.deepEqual([cache.get("a"), cache.get("b"), cache.bytes], ["A", undefined, 10]);
});

test("whatever is put in, the bytes stay within the bound and are those of the values that are there", () => {
  const entry = fc.record({ key: fc.constantFrom("a", "b", "c", "d"), bytes: fc.nat({ max: 12 }) });
  fc.assert(
    fc.property(fc.array(entry), (entries) => {
      const cache = createByteCache<number>(20);
      for (const { key, bytes } of entries) cache.set(key, bytes, bytes);
      const kept = ["a", "b", "c", "d"].flatMap((key) => cache.get(key) ?? []);
      assert.equal(
        kept.reduce((sum, bytes) => sum + bytes, 0),
        cache.bytes,
      );
      assert.ok(cache.bytes <= 20);
    }),
  );
});
