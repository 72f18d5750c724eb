import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { test } from "node:test";
import { temporaryDirectory } from "#libs/testing";
import { runInThreads, runTasks } from "./run-tasks.ts";
import type { Unit } from "./testing/square.ts";
import { openThreads } from "./threads.ts";
import { startAhead } from "./workers.ts";

const module = new URL("testing/square.ts", import.meta.url);
const base = { module, setup: { add: 1 } };
const never = new AbortController().signal;
type Result = { value: number; thread: number };

const squares = (units: readonly Unit[], threads: number, signal = never) =>
  runInThreads<Unit, Result>({ ...base, units, threads, signal });

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

test("tasks that wait for the result of another are run when it has been taken", async () => {
  const open = [1, 2, 3];
  let taken = 0;
  const next = () => (open.length > 0 && taken === 3 - open.length ? open.shift() : undefined);
  const seen: number[] = [];
  for await (const { task, result } of runTasks<number, Unit, Result>({ ...base, threads: 2, next, unitOf: (n) => n, signal: never })) {
    taken++;
    seen.push(task, result.value);
  }
  assert.deepEqual(seen, [1, 2, 2, 5, 3, 10]);
});

test("a thread that ends fails what it had, and the units after it run on another one", async () => {
  await using threads = openThreads<Unit, Result>({ ...base, threads: 1 });
  const first = await threads.run(2);
  await assert.rejects(threads.run({ end: 3 }), /a worker thread ended with code 3/);
  const next = await threads.run(2);
  assert.deepEqual([first.value, next.value], [5, 5]);
  assert.notEqual(first.thread, next.thread);
});

test("of several threads, one that lives is preferred to one that ended", async () => {
  await using threads = openThreads<Unit, Result>({ ...base, threads: 2 });
  const ended = assert.rejects(threads.run({ end: 3 }), /ended with code 3/);
  const living = (await threads.run(1)).thread;
  await ended;
  for (let i = 0; i < 4; i++) assert.equal((await threads.run(i)).thread, living);
  // Both have work: the second one is started again.
  const both = await Promise.all([threads.run(1), threads.run(1)]);
  assert.equal(new Set(both.map(({ thread }) => thread)).size, 2);
});

for (const count of [0, 1]) {
  test(`what failed to be set up is set up again at the next unit on ${count} threads`, async () => {
    await using directory = await temporaryDirectory();
    const file = directory.join("ready");
    await using threads = openThreads<string, string>({
      module: new URL("testing/needy.ts", import.meta.url),
      setup: file,
      threads: count,
    });
    await assert.rejects(threads.run("a"), { code: "ENOENT" });
    await writeFile(file, "ready");
    assert.equal(await threads.run("b"), "ready b");
  });
}

test("threads that were started ahead are taken by the next ones of their module, and by no others", async () => {
  const started = startAhead(module, 2);
  const needy = openThreads<string, string>({ module: new URL("testing/needy.ts", import.meta.url), setup: "nowhere", threads: 1 });
  await assert.rejects(needy.run("a"), { code: "ENOENT" });
  await needy[Symbol.asyncDispose]();
  const results: Result[] = [];
  {
    await using threads = openThreads<Unit, Result>({ ...base, threads: 3 });
    results.push(...(await Promise.all([1, 2, 3].map((unit) => threads.run(unit)))));
    // They are the threads' now.
    started[Symbol.dispose]();
    results.push(await threads.run(4));
  }
  assert.deepEqual(results.map(({ value }) => value).sort(), [10, 17, 2, 5]);
  assert.equal(new Set(results.slice(0, 3).map(({ thread }) => thread)).size, 3);
});

test("threads that were started ahead and are not taken end, and those after them are others", async () => {
  {
    using _started = startAhead(module, 2);
  }
  await using threads = openThreads<Unit, Result>({ ...base, threads: 1 });
  assert.equal((await threads.run(3)).value, 10);
});

test("the error of a module that cannot be loaded ahead is told by what is run on it", async () => {
  const missing = new URL("testing/missing.ts", import.meta.url);
  using _started = startAhead(missing, 1);
  await using threads = openThreads<number, number>({ module: missing, setup: {}, threads: 1 });
  await assert.rejects(threads.run(1), /missing/);
});

test("a result that cannot be sent is an error of its unit alone", async () => {
  await using threads = openThreads<Unit, Result>({ ...base, threads: 1 });
  await assert.rejects(threads.run({ unsent: true }), /clone/i);
  assert.equal((await threads.run(3)).value, 10);
});

test("a unit that cannot be sent is an error of its own alone", async () => {
  await using threads = openThreads<unknown, Result>({ ...base, threads: 1 });
  await assert.rejects(
    threads.run(() => 1),
    /clone/i,
  );
  assert.equal((await threads.run(3)).value, 10);
});

test("nothing is run when the threads have ended", async () => {
  const threads = openThreads<Unit, Result>({ ...base, threads: 1 });
  await threads[Symbol.asyncDispose]();
  await assert.rejects(threads.run(1), /have ended/);
});
