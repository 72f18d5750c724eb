import assert from "node:assert/strict";
import { test } from "node:test";
import { waitFor } from "#libs/testing";
import { type Credit, createCredits } from "./credits.ts";

const never = new AbortController().signal;
const limits = (windowBytes: number, max = 100) => ({ windowBytes, chunkBytes: { min: 1, max } });

test("what all senders may have on their way is never more than the pool, and each gets its turn", async () => {
  const credits = createCredits(limits(300));
  const senders = Array.from({ length: 10 }, () => credits.open());
  const outstanding = () => senders.reduce((sum, credit) => sum + credit.outstanding, 0);
  const turns = new Map<Credit, number>();
  await Promise.all(
    senders.map(async (credit) => {
      for (let turn = 0; turn < 5; turn++) {
        await credit.wait(100, never);
        assert.ok(outstanding() <= 300, String(outstanding()));
        turns.set(credit, turn);
        const least = Math.min(...senders.map((each) => turns.get(each) ?? -1));
        assert.ok(turn - least <= 2, "one is far ahead of another");
        await new Promise((resolve) => setImmediate(resolve));
        credit.spend(100);
      }
    }),
  );
  assert.equal(outstanding(), 0);
});

test("one sender alone may be far ahead; among many each has one chunk", () => {
  const credits = createCredits(limits(1 << 24, 1 << 20));
  using first = credits.open();
  assert.equal(credits.window(), 8 << 20);
  assert.ok(first.take(credits.window()));
  const others = Array.from({ length: 63 }, () => credits.open());
  assert.equal(credits.window(), 1 << 20);
  for (const other of others) other[Symbol.dispose]();
  assert.equal(credits.window(), 8 << 20);
});

test("who was promised room and sends nothing does not hold up the others, and may still send", async () => {
  const credits = createCredits(limits(100));
  using silent = credits.open();
  using other = credits.open();
  await silent.wait(100, never);
  const begin = performance.now();
  await other.wait(100, never);
  assert.ok(performance.now() - begin < 5000);
  silent.spend(40);
  other.spend(100);
  assert.equal(silent.outstanding, 60);
  assert.equal(other.take(50), false);
  silent.spend(60);
  assert.equal(other.take(100), true);
});

test("who stops waiting leaves nothing behind", async () => {
  const credits = createCredits(limits(100));
  using first = credits.open();
  await first.wait(100, never);
  const abort = new AbortController();
  using second = credits.open();
  const waiting = second.wait(100, abort.signal);
  abort.abort(new Error("enough"));
  await assert.rejects(waiting, /enough/);
  first.spend(100);
  using third = credits.open();
  await waitFor(() => third.take(100));
  assert.equal(second.outstanding, 0);
});
