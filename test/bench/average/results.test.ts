import assert from "node:assert/strict";
import { test } from "node:test";
import { peaks, ratios, seconds } from "./results.ts";

const run = (seconds: number, peakMb: number) => ({ seconds, cpuSeconds: seconds, peakMb });
const results = new Map([
  ["ours", [run(1, 100), run(2, 120)]],
  ["theirs", [run(5, 900), run(8, 950)]],
]);

test("ratios are taken turn by turn", () => {
  assert.deepEqual(ratios(results, "theirs", "ours"), [5, 4]);
});

test("every contender has its seconds, and its memory with a bound where there is one", () => {
  assert.deepEqual(seconds(results, "linear"), [
    { name: "linear: ours", unit: "s", runs: [1, 2] },
    { name: "linear: theirs", unit: "s", runs: [5, 8] },
  ]);
  assert.deepEqual(peaks(results, { ours: 256 }), [
    { name: "peak memory: ours", unit: "MB", runs: [100, 120], atMost: 256 },
    { name: "peak memory: theirs", unit: "MB", runs: [900, 950] },
  ]);
});
