import assert from "node:assert/strict";
import { test } from "node:test";
import { isRunName } from "./index.ts";

test("a run's name is a word of a ref", () => {
  for (const name of ["digits", "a", "7", "digits-full_2.b", "x".repeat(60)]) assert.ok(isRunName(name), name);
  for (const name of ["", "-a", ".a", "..", "_a", "a b", "a/b", "ä", "a\n", "x".repeat(61)]) assert.ok(!isRunName(name), name);
});
