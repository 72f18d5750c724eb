import assert from "node:assert/strict";
import { test } from "node:test";
import { createLimit } from "./index.ts";

test("a limit runs at most so many tasks and keeps their order", async () => {
  const limit = createLimit(2);
  const gates = Array.from({ length: 5 }, () => Promise.withResolvers<void>());
  const begun: number[] = [];
  const tasks = gates.map(({ promise }, i) =>
    limit(async () => {
      begun.push(i);
      await promise;
      if (i === 1) throw new Error("one fails");
      return i;
    }),
  );
  await Promise.resolve();
  assert.deepEqual(begun, [0, 1]);
  for (const { resolve } of gates) resolve();
  const results = await Promise.allSettled(tasks);
  assert.deepEqual(begun, [0, 1, 2, 3, 4]);
  assert.deepEqual(
    results.map(({ status }) => status),
    ["fulfilled", "rejected", "fulfilled", "fulfilled", "fulfilled"],
  );
});
