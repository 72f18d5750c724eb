import assert from "node:assert/strict";
import { test } from "node:test";
import { heapGrowth } from "#libs/testing";
import { createPulse } from "./index.ts";

test("every watcher sees any number of changes as one, and misses none between two looks", async () => {
  const pulse = createPulse();
  const seen = pulse.version;
  const waiting = Promise.all([pulse.changed(seen), pulse.changed(seen)]);
  pulse.beat();
  pulse.beat();
  await waiting;
  assert.equal(pulse.version, seen + 2);
  await pulse.changed(seen); // it was before the wait
});

test("waiting for a change ends with the signal", async () => {
  const pulse = createPulse();
  const stop = new AbortController();
  const waiting = pulse.changed(0, stop.signal);
  stop.abort();
  await waiting;
  await pulse.changed(0, stop.signal);
  assert.equal(pulse.version, 0);
});

test("waiting under one signal for ever takes no memory", async () => {
  const pulse = createPulse();
  const { signal } = new AbortController();
  const wait = async (times: number) => {
    for (let i = 0; i < times; i++) {
      const waiting = pulse.changed(pulse.version, signal);
      pulse.beat();
      await waiting;
    }
  };
  const grown = await heapGrowth(() => wait(20_000));
  // A race with a promise of the signal keeps 60 bytes (Bun) to 310 (Node, Deno) of each wait: 1.2 MB and more.
  assert.ok(grown < 400_000, `grew by ${grown} bytes`);
});
