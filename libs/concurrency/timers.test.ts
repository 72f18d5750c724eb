import assert from "node:assert/strict";
import { test } from "node:test";
import { after, LONGEST_TIMER_MS, pause, within } from "./index.ts";

test("a time that no timer of JavaScript can wait for is long, not none", async () => {
  const fired: number[] = [];
  const long = [LONGEST_TIMER_MS + 1, 2 ** 32 + 1, 1e12, Number.POSITIVE_INFINITY];
  const timers = long.map((ms) => after(ms, () => fired.push(ms)));
  // setTimeout turns each of them into 1 ms, so that they would fire before this one.
  await pause(50);
  for (const timer of timers) timer[Symbol.dispose]();
  assert.deepEqual(fired, []);
});

test("timers fire in the order of their times, those of zero and below at once", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const fired: string[] = [];
  after(60, resolve);
  after(30, () => fired.push("30"));
  after(-5, () => fired.push("-5"));
  after(1, () => fired.push("stopped"))[Symbol.dispose]();
  await promise;
  assert.deepEqual(fired, ["-5", "30"]);
});

test("a pause ends with its time or with the signal, and says which", async () => {
  assert.equal(await pause(5), true);
  const stop = new AbortController();
  const long = pause(1e12, stop.signal);
  stop.abort();
  assert.equal(await long, false);
  assert.equal(await pause(1e12, stop.signal), false);
});

test("within a time comes what a promise gives or throws, and else nothing", async () => {
  assert.equal(await within(60_000, Promise.resolve(7)), 7);
  assert.equal(await within(5, new Promise(() => {})), undefined);
  await assert.rejects(within(60_000, Promise.reject(new Error("no"))), /no/);
  const late = Promise.withResolvers<void>();
  assert.equal(await within(5, late.promise), undefined);
  late.reject(new Error("nobody hears it"));
});
