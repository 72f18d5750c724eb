import assert from "node:assert/strict";
import { test } from "node:test";
import { handOversOf } from "./hand-over.ts";

test("a gap is from the end of a job to the begin of the same trainer's next one", () => {
  const { gapsMs, perSecond } = handOversOf([
    { begunAtMs: [0, 20, 40], freeAtMs: [15, 33, 45] },
    { begunAtMs: [5, 100], freeAtMs: [90, 110] },
  ]);
  assert.deepEqual(gapsMs, [5, 7, 10]);
  assert.equal(perSecond, 40); // five jobs, 100 ms from the first to the last
});
