import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { waitFor } from "#libs/testing";
import { InvalidEvaluationError, WorkerCrashedError } from "./errors.ts";
import type { TestJob, TestResult } from "./testing/jobs-worker.ts";
import { createWorkerPool, type WorkerPool } from "./worker-pool.ts";

const module = new URL("./testing/jobs-worker.ts", import.meta.url);
const live = new AbortController().signal;

function pool(workers: number, idleMs = 60_000): WorkerPool<TestJob, TestResult> {
  return createWorkerPool<TestJob, TestResult>({ module, workers, idleMs });
}

function count(bytes: readonly number[]) {
  return () => ({ job: { do: "count", bytes: Uint8Array.from(bytes) } as const, transfer: [] });
}

function wait(started = new Int32Array(new SharedArrayBuffer(4))) {
  return () => ({ job: { do: "wait", started } as const, transfer: [] });
}

const simply = (job: TestJob) => () => ({ job, transfer: [] });

test("jobs run, the threads are reused, and there are never more than allowed", async () => {
  await using threads = pool(2);
  const results = await Promise.all(Array.from({ length: 12 }, (_, k) => threads.run(count([k, 1]), live)));
  assert.deepEqual(
    results.map(({ value }) => value),
    Array.from({ length: 12 }, (_, k) => k + 1),
  );
  assert.ok(new Set(results.map(({ thread }) => thread)).size <= 2);
  assert.equal(threads.size, 2);
});

test("buffers move to the thread, and a waiting job is not prepared", async () => {
  await using threads = pool(1);
  const stop = new AbortController();
  const started = new Int32Array(new SharedArrayBuffer(4));
  const waiting = threads.run(wait(started), stop.signal);
  const bytes = Uint8Array.from([1, 2, 3]);
  let prepared = false;
  const counted = threads.run(() => {
    prepared = true;
    return { job: { do: "count", bytes }, transfer: [bytes.buffer] };
  }, live);
  await waitFor(() => Atomics.load(started, 0) === 1);
  assert.equal(prepared, false);
  stop.abort(new Error("enough"));
  await assert.rejects(waiting, /enough/);
  assert.equal((await counted).value, 6);
  assert.equal(bytes.length, 0);
});

test("cancelling stops a computation that never looks at its messages, and the thread serves on", async () => {
  await using threads = pool(1);
  const stop = new AbortController();
  const started = new Int32Array(new SharedArrayBuffer(4));
  const waiting = threads.run(wait(started), stop.signal);
  await waitFor(() => Atomics.load(started, 0) === 1);
  stop.abort(new Error("the caller hung up"));
  await assert.rejects(waiting, /the caller hung up/);
  assert.equal((await threads.run(count([5]), live)).value, 5);
  assert.equal(Atomics.load(started, 0), 2);
});

test("a cancelled job that waits for a thread never runs", async () => {
  await using threads = pool(1);
  const [stop, drop] = [new AbortController(), new AbortController()];
  const started = new Int32Array(new SharedArrayBuffer(4));
  const running = threads.run(wait(), stop.signal);
  const dropped = threads.run(wait(started), drop.signal);
  drop.abort(new Error("never mind"));
  await assert.rejects(dropped, /never mind/);
  stop.abort(new Error("done"));
  await assert.rejects(running, /done/);
  assert.equal((await threads.run(count([]), live)).value, 0);
  assert.equal(Atomics.load(started, 0), 0);
});

test("a job whose caller has gone already is not started", async () => {
  await using threads = pool(1);
  await assert.rejects(threads.run(count([1]), AbortSignal.abort(new Error("gone"))), /gone/);
  assert.equal(threads.size, 0);
});

test("errors of a job reach its caller and leave the thread alone", async () => {
  await using threads = pool(1);
  await assert.rejects(threads.run(simply({ do: "fail" }), live), /no numbers today/);
  await assert.rejects(threads.run(simply({ do: "refuse" }), live), (error: unknown) => {
    assert.ok(error instanceof InvalidEvaluationError);
    assert.deepEqual(error.violations, [{ field: "recipe.x", description: "is wrong" }]);
    return true;
  });
  assert.equal(threads.size, 1);
});

test("a job that cannot be prepared fails alone", async () => {
  await using threads = pool(1);
  const broken = threads.run(() => {
    throw new Error("no such buffer");
  }, live);
  await assert.rejects(broken, /no such buffer/);
  assert.equal((await threads.run(count([4]), live)).value, 4);
});

for (const way of ["crash", "exit"] as const) {
  test(`a thread that ends by ${way} fails its job only and is replaced`, async () => {
    await using threads = pool(1);
    const [lost, next] = [threads.run(simply({ do: way }), live), threads.run(count([7]), live)];
    await assert.rejects(lost, WorkerCrashedError);
    assert.equal((await next).value, 7);
  });
}

test("a thread without work ends", async () => {
  await using threads = pool(2, 20);
  await threads.run(count([1]), live);
  await waitFor(() => threads.size === 0, { what: "the idle thread to end" });
  assert.equal((await threads.run(count([2]), live)).value, 2);
});

test("closing fails what runs and what waits", async () => {
  const threads = pool(1);
  const jobs = [threads.run(wait(), live), threads.run(count([1]), live)];
  const closed = threads[Symbol.asyncDispose]();
  for (const job of jobs) await assert.rejects(job, /closed/);
  await closed;
  assert.equal(threads.size, 0);
  await assert.rejects(threads.run(count([1]), live), /closed/);
});

test("an idle thread does not keep the process alive", async () => {
  const script = fileURLToPath(new URL("./testing/leave-a-thread.ts", import.meta.url));
  const runtime = "Deno" in globalThis ? ["run", "-A", "--no-check"] : [];
  const child = spawn(process.execPath, [...runtime, script], { stdio: ["ignore", "pipe", "inherit"], timeout: 20_000 });
  const exited = once(child, "exit");
  let output = "";
  for await (const chunk of child.stdout.setEncoding("utf8")) output += chunk;
  assert.deepEqual(await exited, [0, null]);
  assert.equal(output.trim(), "3");
});
