import assert from "node:assert/strict";
import { test } from "node:test";
import { type JobRecord, noCheckpoint } from "../job.ts";
import { gainOf } from "./gain.ts";
import { createPace } from "./pace.ts";
import { createRivals } from "./rivals.ts";

const seen = { seconds: 60, fromStep: 0, step: 10, steps: 100, checkpointStep: 0 };

test("a trainer gains where all of the work takes it clearly less than the rest takes another", () => {
  // The rest takes 540 s.
  assert.equal(gainOf(seen, { own: 1, usual: undefined }), 440);
  assert.equal(gainOf(seen, { own: 100 / 269, usual: undefined }), 271);
  assert.equal(gainOf(seen, { own: 100 / 271, usual: undefined }), undefined, "less than twice as fast");
  assert.equal(gainOf({ ...seen, checkpointStep: 10 }, { own: 1, usual: undefined }), 450, "it goes on from a checkpoint");
  assert.equal(gainOf({ ...seen, step: 99 }, { own: 100, usual: undefined }), undefined, "it is nearly done");
});

test("of a trainer of which nothing is known it is expected that it is as fast as most, and others have to be three times slower", () => {
  assert.equal(gainOf(seen, { own: undefined, usual: undefined }), undefined);
  assert.equal(gainOf(seen, { own: undefined, usual: 0.51 }), 540 - 100 / 0.51);
  assert.equal(gainOf(seen, { own: undefined, usual: 0.49 }), undefined);
});

test("an attempt without a step is slow once it has lasted much longer than all of it elsewhere", () => {
  const none = { ...seen, step: 0 };
  assert.equal(gainOf(none, { own: 10, usual: 10 }), 50);
  assert.equal(gainOf({ ...none, seconds: 4 }, { own: 1000, usual: 1000 }), undefined, "too soon to say");
  assert.equal(gainOf({ ...none, seconds: 15 }, { own: 10, usual: 10 }), undefined);
  assert.equal(gainOf({ ...none, steps: 0 }, { own: 10, usual: 10 }), undefined, "nobody knows how much it is");
});

const recipe = (batch: number) => JSON.stringify({ kind: "train", inputs: {}, parameters: { network: { name: "resnet18" }, batch } });

function job(id: string, changes: Partial<JobRecord> = {}): JobRecord {
  return {
    ...{ id, recipeKey: "sha256:1", recipe: recipe(8), label: "", reproduce: false, state: "running", attempt: 1 },
    needs: { device: "cpu", backend: "cpu", backends: ["cpu"], memoryMib: 600, network: "", acceleratorMemoryMib: 0 },
    ...{ live: [{ attempt: 1, trainer: "slow" }], failures: 0, losses: 0, trainer: "slow", ...noCheckpoint, pinned: false },
    ...{ artifact: "", summary: "", error: "", submittedAtMs: 1, startedAtMs: 1, finishedAtMs: 0, cpuMs: 0, usage: "" },
    ...changes,
  };
}

/** A trainer "fast" that has done a job of 100 steps in ten seconds, and a clock. */
function system() {
  const clock = { ms: 0 };
  const pace = createPace(() => clock.ms);
  pace.began(job("done"), 1, "fast");
  pace.reported("done", 1, { step: 100, steps: 100 });
  clock.ms += 10_000;
  pace.ended("done", 1, true);
  const unfit = new Set<string>();
  const rivals = createRivals(
    pace,
    (one) => !unfit.has(one.id),
    () => clock.ms,
  );
  const run = (one: JobRecord, step: number) => {
    pace.began(one, 1, "slow");
    pace.reported(one.id, 1, { step, steps: 100 });
  };
  return { clock, pace, rivals, unfit, run };
}

test("the job at which most is gained is offered, to one trainer for some seconds", () => {
  const { clock, rivals, run } = system();
  run(job("far"), 20);
  run(job("near"), 60);
  clock.ms += 60_000;
  assert.equal(rivals.offer("slow"), undefined, "it has them itself");
  assert.equal(rivals.offer("fast"), "far");
  assert.deepEqual(
    [rivals.mayBegin("far", "fast"), rivals.mayBegin("far", "other"), rivals.mayBegin("near", "fast")],
    [true, false, false],
  );
  assert.equal(rivals.offer("fast"), "near");
  assert.equal(rivals.offer("fast"), undefined);
  clock.ms += 5_001;
  assert.equal(rivals.mayBegin("far", "fast"), false);
  assert.equal(rivals.offer("fast"), "far");
});

test("reproductions, jobs that two run, and jobs that do not fit are not offered", () => {
  const { clock, pace, rivals, unfit, run } = system();
  run(job("again", { reproduce: true }), 1);
  run(job("large"), 1);
  unfit.add("large");
  run(job("both"), 1);
  pace.observe(
    job("both", {
      live: [
        { attempt: 1, trainer: "slow" },
        { attempt: 2, trainer: "other" },
      ],
    }),
  );
  run(job("unlike", { recipe: recipe(64) }), 1);
  clock.ms += 60_000;
  assert.equal(rivals.offer("fast"), undefined);
});

test("what an attempt is expected to need is forgotten with its end", () => {
  const { clock, pace, rivals, run } = system();
  run(job("slow"), 1);
  clock.ms += 60_000;
  const [{ work = "" } = {}] = pace.running();
  pace.ended("slow", 1, false);
  assert.equal(rivals.offer("fast"), undefined);
  assert.deepEqual(pace.speeds(work, "fast"), { own: 10, usual: 10 });
  assert.deepEqual(pace.speeds(work, "slow"), { own: undefined, usual: 10 });
});
