import assert from "node:assert/strict";
import { test } from "node:test";
import { finish, finishInTurns, type Steps } from "./index.ts";

/** Computes for about `count` milliseconds, a millisecond a step. */
function* work(count: number, state = { steps: 0, closed: false }): Steps<string> {
  try {
    for (; state.steps < count; state.steps++) {
      for (const start = performance.now(); performance.now() - start < 1; );
      yield;
    }
    return "done";
  } finally {
    state.closed = true;
  }
}

test("steps are finished with their result, with pauses or without", async () => {
  const [first, second] = [
    { steps: 0, closed: false },
    { steps: 0, closed: false },
  ];
  assert.equal(finish(work(3, first)), "done");
  assert.equal(await finishInTurns(work(3, second)), "done");
  assert.deepEqual(
    [first, second],
    [3, 3].map((steps) => ({ steps, closed: true })),
  );
});

test("timers fire while steps are finished in turns, and can stop them", async () => {
  const state = { steps: 0, closed: false };
  await assert.rejects(finishInTurns(work(5000, state), AbortSignal.timeout(60)), { name: "TimeoutError" });
  assert.ok(state.steps > 0 && state.steps < 4000, `${state.steps} steps`);
  assert.ok(state.closed);
});

test("timers fire too between many short computations that wait for nothing", async () => {
  const signal = AbortSignal.timeout(60);
  const all = async () => {
    for (let done = 0; done < 3000; done++) await finishInTurns(work(1), signal);
  };
  await assert.rejects(all(), { name: "TimeoutError" });
});

test("what a step throws is thrown", async () => {
  function* broken(): Steps<void> {
    yield;
    throw new RangeError("no");
  }
  assert.throws(() => finish(broken()), /no/);
  await assert.rejects(finishInTurns(broken()), /no/);
});
