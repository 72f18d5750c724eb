import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { checkpointPauseMs } from "./checkpoint-pace.ts";

test("checkpoints take at most 2 % of the time, and come no sooner than they are wanted", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 3_600_000 }), fc.double({ min: 0, max: 600_000, noNaN: true }), (everyMs, costMs) => {
      const pauseMs = checkpointPauseMs({ everyMs, costMs });
      assert.ok(pauseMs >= everyMs);
      assert.ok(costMs / (costMs + pauseMs) <= 0.02 + 1e-9);
      // No later than needed, to the millisecond.
      if (pauseMs > everyMs) assert.ok(costMs / (costMs + pauseMs - 1) > 0.02 - 1e-9);
    }),
  );
});
