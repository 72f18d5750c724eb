import assert from "node:assert/strict";
import { test } from "node:test";
import { compareMetrics } from "./compare-metrics.ts";

for (const [expected, actual, same] of [
  [1e-4, 1.3e-4, true],
  [1e-4, 0.02, false],
  [0, 0.009, true],
  [0.5, 0.54, true],
  [0.5, 0.56, false],
] as const) {
  test(`a loss of ${actual} is ${same ? "the same as" : "another than"} one of ${expected}`, () => {
    for (const name of ["loss", "finalLoss"]) {
      const metrics = compareMetrics({ [name]: expected }, { [name]: actual });
      assert.deepEqual(
        metrics.map((metric) => [metric.name, metric.same]),
        [[name, same]],
      );
    }
  });
}
