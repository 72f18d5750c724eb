import assert from "node:assert/strict";
import { test } from "node:test";
import { openBackend } from "../index.ts";
import { benchmarkTraining } from "../testing/benchmark.ts";
import { digestOfWeights, finish, smallTraining } from "../testing/examples.ts";

// These digests are the same on Bun, Node and Deno. Changing one changes the bytes of every model: it needs a new arithmetic.
test("fifty steps of the benchmark's network on wasm have fixed bytes", async () => {
  const { weights } = await finish(benchmarkTraining(await openBackend("wasm"), 50));
  assert.equal(digestOfWeights(weights), "77bfd2bfd6ac26deb16a79dfc6906eb3cb8572a2dfca5cfae514e13187230d58");
});

test("forty steps of a small network on cpu have fixed bytes", async () => {
  const { weights } = await finish(smallTraining(await openBackend("cpu")));
  assert.equal(digestOfWeights(weights), "f21363af19bf2cb46115b304d56d8186ffc799cfb0ba35363b3e0dceeac28417");
});
