import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { checkpointPauseMs } from "./checkpoint-pace.ts";

const everyMs = fc.integer({ min: 1, max: 3_600_000 });
const costsMs = fc.array(fc.double({ min: 0, max: 600_000, noNaN: true }), { minLength: 1, maxLength: 20 });

test("once there are two, checkpoints have taken at most 2 % of the time, and come no sooner than they are wanted", () => {
  fc.assert(
    fc.property(everyMs, costsMs, fc.integer({ min: 2, max: 20 }), (every, [costMs = 0], count) => {
      let [trainedMs, spentMs] = [every + costMs, costMs];
      for (let i = 1; i < count; i++) {
        const pauseMs = checkpointPauseMs({ everyMs: every, costMs, spentMs, trainedMs });
        assert.ok(pauseMs >= every);
        trainedMs += pauseMs;
        spentMs += costMs;
        assert.ok(spentMs <= 0.02 * trainedMs + 1e-6);
        // No later than needed, to the millisecond.
        if (pauseMs > every) assert.ok(spentMs > 0.02 * (trainedMs - 1) - 1e-6);
      }
    }),
  );
});

test("what checkpoints took that became dearer is made up for by later ones", () => {
  fc.assert(
    fc.property(everyMs, costsMs, (every, costs) => {
      let [trainedMs, spentMs] = [every, 0];
      for (const costMs of costs) {
        spentMs += costMs;
        trainedMs += costMs + checkpointPauseMs({ everyMs: every, costMs, spentMs, trainedMs: trainedMs + costMs });
        assert.ok(spentMs <= 0.02 * trainedMs + 1e-6);
      }
    }),
  );
});
