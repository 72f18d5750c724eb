import assert from "node:assert/strict";
import { test } from "node:test";
import { cpuTimeMs } from "#libs/service";
import { cpuTimeOfMs, memoryOf, peakMemoryMb } from "./process-facts.ts";

test("what Linux says of this process is what the runtime says", { skip: process.platform !== "linux" }, async () => {
  const cpuMs = (await cpuTimeOfMs(process.pid))!;
  assert.ok(Math.abs(cpuMs - cpuTimeMs()) < 200, `${cpuMs} ms`);
  const { rssMb, pssMb } = (await memoryOf(process.pid))!;
  assert.ok(rssMb > 10 && pssMb > 0 && pssMb <= rssMb, `${rssMb} and ${pssMb} MB`);
  assert.ok(Math.abs(rssMb - process.memoryUsage().rss / 1e6) < rssMb / 4);
  assert.ok((await peakMemoryMb(process.pid))! > rssMb / 2);
});

test("nothing is known of a process that is not there", async () => {
  assert.deepEqual([await cpuTimeOfMs(undefined), await memoryOf(-1), await peakMemoryMb(-1)], [undefined, undefined, undefined]);
});
