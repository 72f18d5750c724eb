import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { torchGenerator } from "../index.ts";

/** The digest of numbers of four bytes, the lowest first. */
function digest(values: Int32Array | Float32Array): string {
  return createHash("sha256")
    .update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength))
    .digest("hex");
}

test("permutations and uniform numbers are those of torch 2.15, one after the other", () => {
  const torch = torchGenerator(4294967295);
  const permutation = torch.permutation(5000);
  assert.deepEqual([...permutation.slice(0, 4)], [1371, 2867, 2566, 562]);
  assert.equal(digest(permutation), "32394e65699ab8cea857beb4712e07630b52e3c18d341cff0aa99d9da7dc98b6");
  const uniform = torch.uniform(3000);
  assert.deepEqual([...uniform.slice(0, 3)], [0.4777570962905884, 0.05472135543823242, 0.6788215637207031]);
  assert.equal(digest(uniform), "498e05a3f764f95b2b87be506bcf6e917473dd43aaa850a5e7aacdcf3a2c9139");
});
