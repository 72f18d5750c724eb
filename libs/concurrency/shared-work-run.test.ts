import assert from "node:assert/strict";
import { test } from "node:test";
import { deferred } from "#libs/testing";
import { createSharedWork } from "./index.ts";

const live = new AbortController().signal;

test("callers of one key share one task, callers of another do not", async () => {
  const tasks = createSharedWork<never, number>();
  const gate = deferred<number>();
  let started = 0;
  const start = () => {
    started++;
    return gate.promise;
  };
  const results = Promise.all([tasks.run("a", live, start), tasks.run("a", live, start), tasks.run("b", live, async () => 2)]);
  gate.resolve(1);
  assert.deepEqual(await results, [1, 1, 2]);
  assert.equal(started, 1);
  assert.equal(await tasks.run("a", live, async () => 9), 9);
});

test("a failure reaches all callers, and the next caller starts anew", async () => {
  const tasks = createSharedWork<never, number>();
  const gate = deferred<number>();
  const both = [tasks.run("a", live, () => gate.promise), tasks.run("a", live, () => gate.promise)];
  gate.reject(new Error("broken"));
  for (const result of both) await assert.rejects(result, /broken/);
  assert.equal(await tasks.run("a", live, async () => 1), 1);
});

test("one caller who leaves does not stop the task, the last one does", async () => {
  const tasks = createSharedWork<never, number>();
  const [first, second] = [new AbortController(), new AbortController()];
  let stopped = false;
  const start = (signal: AbortSignal) =>
    new Promise<number>((_, reject) => {
      signal.addEventListener("abort", () => {
        stopped = true;
        reject(signal.reason);
      });
    });
  const both = [tasks.run("a", first.signal, start), tasks.run("a", second.signal, start)];
  first.abort(new Error("first left"));
  await assert.rejects(both[0]!, /first left/);
  assert.equal(stopped, false);
  second.abort(new Error("second left"));
  await assert.rejects(both[1]!, /second left/);
  assert.equal(stopped, true);
  assert.equal(await tasks.run("a", live, async () => 3), 3);
});

test("a caller who has left already starts nothing", async () => {
  const tasks = createSharedWork<never, number>();
  await assert.rejects(
    tasks.run("a", AbortSignal.abort(new Error("gone")), () => assert.fail("started")),
    /gone/,
  );
});
