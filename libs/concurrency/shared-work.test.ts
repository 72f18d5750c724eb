import assert from "node:assert/strict";
import { test } from "node:test";
import { deferred } from "#libs/testing";
import { createSharedWork } from "./shared-work.ts";

const never = new AbortController().signal;

async function drain<P, T>(steps: AsyncGenerator<P, T>): Promise<{ progress: P[]; result: T }> {
  const progress: P[] = [];
  for (;;) {
    const { done, value } = await steps.next();
    if (done) return { progress, result: value };
    progress.push(value);
  }
}

test("followers of one key share one piece of work; the next one after it starts anew", async () => {
  const work = createSharedWork<number, string>();
  const gate = deferred();
  let starts = 0;
  const start = async ({ report }: { report: (progress: number) => void }) => {
    starts++;
    report(1);
    await gate.promise;
    report(2);
    return `run ${starts}`;
  };
  const first = work.follow("a", never, start);
  assert.deepEqual(await first.next(), { done: false, value: 1 });
  const second = work.follow("a", never, start);
  assert.deepEqual(await second.next(), { done: false, value: 1 });
  gate.resolve();
  assert.equal((await drain(first)).result, "run 1");
  assert.equal((await drain(second)).result, "run 1");
  assert.equal(starts, 1);
  assert.equal((await drain(work.follow("a", never, start))).result, "run 2");
});

test("other keys do not wait for each other", async () => {
  const work = createSharedWork<number, string>();
  const blocked = work.follow("a", never, () => new Promise<string>(() => {}));
  void blocked.next();
  assert.equal((await drain(work.follow("b", never, async () => "b"))).result, "b");
});

test("a slow follower sees the newest progress only", async () => {
  const work = createSharedWork<number, string>();
  const gate = deferred();
  const steps = work.follow("a", never, async ({ report }) => {
    for (let i = 1; i <= 1000; i++) report(i);
    await gate.promise;
    return "done";
  });
  assert.deepEqual(await steps.next(), { done: false, value: 1000 });
  gate.resolve();
  assert.deepEqual(await drain(steps), { progress: [], result: "done" });
});

test("the work stops when the last follower has gone, not before", async () => {
  const work = createSharedWork<number, string>();
  const stopped = deferred<unknown>();
  const start = ({ signal, report }: { signal: AbortSignal; report: (progress: number) => void }) => {
    report(0);
    return new Promise<string>((_, reject) => {
      signal.addEventListener("abort", () => {
        stopped.resolve(signal.reason);
        reject(signal.reason);
      });
    });
  };
  const impatient = new AbortController();
  const leaving = new AbortController();
  const first = work.follow("a", impatient.signal, start);
  const second = work.follow("a", leaving.signal, start);
  await first.next();
  await second.next();
  impatient.abort(new Error("first gave up"));
  await assert.rejects(first.next(), /first gave up/);
  const third = work.follow("a", never, async () => "a work of its own");
  assert.deepEqual(await third.next(), { done: false, value: 0 }, "the work goes on and can be joined");
  await third.return("");
  leaving.abort(new Error("second gave up"));
  await assert.rejects(second.next(), /second gave up/);
  assert.match(String(await stopped.promise), /second gave up/);
  assert.equal((await drain(work.follow("a", never, async () => "a work of its own"))).result, "a work of its own");
});

test("an error reaches every follower, and one who comes later starts anew", async () => {
  const work = createSharedWork<number, string>();
  const gate = deferred();
  const start = async () => {
    await gate.promise;
    throw new Error("broken");
  };
  const results = [drain(work.follow("a", never, start)), drain(work.follow("a", never, start))];
  gate.resolve();
  for (const result of await Promise.allSettled(results)) assert.ok(result.status === "rejected" && /broken/.test(String(result.reason)));
  assert.equal((await drain(work.follow("a", never, async () => "fine"))).result, "fine");
});
