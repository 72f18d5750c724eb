import assert from "node:assert/strict";
import { test } from "node:test";
import { heapGrowth } from "#libs/testing";
import { abortable } from "./index.ts";

test("abortable() gives what the work gives, or the reason of the signal that aborts first", async () => {
  const stop = new AbortController();
  assert.equal(await abortable(Promise.resolve(1), stop.signal), 1);
  await assert.rejects(abortable(Promise.reject(new Error("broken")), stop.signal), /broken/);
  const never = abortable(new Promise(() => {}), stop.signal);
  stop.abort(new Error("enough"));
  await assert.rejects(never, /enough/);
  await assert.rejects(abortable(Promise.resolve(1), stop.signal), /enough/);
  // Whoever left is not told of a failure that comes later, and neither is the process.
  await assert.rejects(abortable(Promise.reject(new Error("later")), stop.signal), /enough/);
});

test("waiting under one signal for ever takes no memory", async () => {
  const { signal } = new AbortController();
  const wait = async (times: number) => {
    for (let i = 0; i < times; i++) await abortable(Promise.resolve(i), signal);
  };
  const grown = await heapGrowth(() => wait(20_000));
  assert.ok(grown < 400_000, `grew by ${grown} bytes`);
});
