import assert from "node:assert/strict";
import { test } from "node:test";
import { createCache } from "./cache.ts";

test("a cache keeps what was used last and stays within its limit", () => {
  const cache = createCache<string>(10);
  for (const name of ["a", "b", "c"]) cache.set(name, name.toUpperCase(), 4);
  assert.equal(cache.get("a"), undefined);
  assert.equal(cache.get("b"), "B");
  cache.set("d", "D", 4);
  assert.equal(cache.get("c"), undefined);
  assert.equal(cache.get("b"), "B");
  assert.equal(cache.get("d"), "D");
});

test("a cache does not take what is larger than itself, and takes nothing twice", () => {
  const cache = createCache<string>(10);
  cache.set("a", "A", 6);
  cache.set("large", "L", 11);
  cache.set("a", "other", 6);
  assert.equal(cache.get("large"), undefined);
  assert.equal(cache.get("a"), "A");
  cache.set("b", "B", 4);
  assert.equal(cache.get("a"), "A");
  assert.equal(cache.get("b"), "B");
});
