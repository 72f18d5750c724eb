import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import { transfers } from "./transfers.ts";

test("what threads move counts for the process, beyond 32 bits", async () => {
  const before = transfers.uploaded.value();
  transfers.uploaded.add(5);
  const threads = [0, 1].map(() => new Worker(new URL("testing/moves-bytes.ts", import.meta.url)));
  await Promise.all(threads.map((thread) => once(thread, "message")));
  await Promise.all(threads.map((thread) => thread.terminate()));
  assert.equal(transfers.uploaded.value() - before, 6_000_000_005);
});
