import assert from "node:assert/strict";
import { test } from "node:test";
import { runInThreads } from "./pool.ts";
import type { Unit } from "./testing/square.ts";

const module = new URL("testing/square.ts", import.meta.url);
const never = new AbortController().signal;
type Result = { value: number; thread: number };

const squares = (units: readonly Unit[], threads: number, signal = never) =>
  runInThreads<Unit, Result>({ module, setup: { add: 1 }, units, threads, signal });

for (const threads of [0, 1, 3]) {
  test(`all units are run once on ${threads} threads`, async () => {
    const units = Array.from({ length: 50 }, (_, i) => i);
    const results = await Array.fromAsync(squares(units, threads));
    assert.deepEqual(
      results.toSorted((a, b) => a.index - b.index).map(({ index, result }) => [index, result.value]),
      units.map((i) => [i, i * i + 1]),
    );
    assert.equal(new Set(results.map(({ result }) => result.thread)).size, Math.max(1, threads));
  });

  test(`the error of a unit keeps its name, message and fields on ${threads} threads`, async () => {
    await assert.rejects(Array.fromAsync(squares([1, { fail: "too far" }, 2], threads)), {
      name: "RangeError",
      message: "too far",
      kind: "input",
      tensor: "w",
      places: [1, 2],
    });
  });

  test(`no unit is run after an abort on ${threads} threads`, async () => {
    const stop = new AbortController();
    const units = Array.from({ length: 1000 }, (_, i) => i);
    let seen = 0;
    await assert.rejects(async () => {
      for await (const _ of squares(units, threads, stop.signal)) {
        seen++;
        if (seen === 5) stop.abort(new Error("enough"));
      }
    }, /enough/);
    assert.equal(seen, 5);
  });

  test(`a module that cannot be set up is an error on ${threads} threads`, async () => {
    const missing = new URL("testing/missing.ts", import.meta.url);
    await assert.rejects(Array.fromAsync(runInThreads({ module: missing, setup: {}, units: [1], threads, signal: never })), /missing/);
  });

  test(`nothing to do is done at once on ${threads} threads`, async () => {
    assert.deepEqual(await Array.fromAsync(squares([], threads)), []);
  });
}

test("a unit that runs long hears of the abort", async () => {
  const stop = new AbortController();
  const iteration = squares([1, { spin: true }, { spin: true }], 2, stop.signal);
  assert.deepEqual((await iteration.next()).value?.index, 0);
  stop.abort(new Error("enough"));
  await assert.rejects(iteration.next(), /enough/);
});

test("leaving the loop ends the threads", async () => {
  for await (const _ of squares([1, 2, 3, 4, 5], 2)) break;
});
