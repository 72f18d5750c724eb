import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isLive, type JobEvent, type JobRecord, MAX_FAILURES, MAX_LOSSES, next, noCheckpoint } from "./job.ts";

const needs = { device: "cpu", backend: "cpu", backends: ["cpu"], memoryMib: 600, network: "", acceleratorMemoryMib: 0 } as const;
const fresh: JobRecord = {
  id: "job-1",
  recipeKey: "sha256:1",
  recipe: "{}",
  needs,
  label: "",
  reproduce: false,
  state: "queued",
  attempt: 0,
  live: [],
  failures: 0,
  losses: 0,
  trainer: "",
  ...noCheckpoint,
  pinned: false,
  artifact: "",
  summary: "",
  error: "",
  submittedAtMs: 1,
  startedAtMs: 0,
  finishedAtMs: 0,
  cpuMs: 0,
  usage: "",
};

const atMs = fc.integer({ min: 1, max: 1000 });
const attempt = fc.integer({ min: 0, max: 6 });
const anyEvent: fc.Arbitrary<JobEvent> = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant("submitted" as const),
      seenEndedAtMs: fc.constantFrom(0, 1, 2),
      needs: fc.constant(needs),
      atMs,
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("retried" as const), atMs }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("found" as const), artifact: fc.constantFrom("sha256:a", "sha256:b"), atMs }) },
  {
    weight: 6,
    arbitrary: fc.record({ type: fc.constant("begun" as const), trainer: fc.constantFrom("t1", "t2"), rival: fc.boolean(), atMs }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("lost" as const), attempt, how: fc.constant("was killed"), atMs }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("released" as const), attempt }) },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constant("checkpointed" as const), attempt, checkpoint: fc.constant("sha256:c"), step: fc.nat(9) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constant("completed" as const), attempt, artifact: fc.constant("sha256:a"), cpuMs: fc.nat(9), atMs }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant("failed" as const),
      attempt,
      error: fc.constantFrom("x", "y"),
      permanent: fc.boolean(),
      elsewhere: fc.boolean(),
      atMs,
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("cancelled" as const), reason: fc.constantFrom("", "by hand"), atMs }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("unpinned" as const) }) },
);
const history = fc.array(anyEvent, { maxLength: 60 });

const after = (job: JobRecord, event: JobEvent): JobRecord => {
  const transition = next(job, event);
  return "job" in transition ? transition.job : job;
};
const isFinal = ({ state }: JobRecord) => state === "succeeded" || state === "failed" || state === "cancelled";

/** Runs a check on every step of any history. */
function onEveryStep(check: (before: JobRecord, event: JobEvent, job: JobRecord) => void): void {
  fc.assert(
    fc.property(history, (events) => {
      events.reduce((before, event) => {
        const job = after(before, event);
        check(before, event, job);
        return job;
      }, fresh);
    }),
    { numRuns: 500 },
  );
}

test("attempt numbers only grow, by one, when an attempt begins", () => {
  onEveryStep((before, event, job) => {
    const beside = before.state === "running" && before.live.length === 1 && event.type === "begun" && event.rival;
    const begun = event.type === "begun" && (before.state === "queued" || beside);
    assert.equal(job.attempt, before.attempt + (begun ? 1 : 0));
    if (begun) assert.equal(job.live.at(-1)?.attempt, job.attempt);
  });
});

test("one or two attempts run where the job does, oldest first, and none elsewhere", () => {
  onEveryStep((before, event, job) => {
    const numbers = job.live.map((one) => one.attempt);
    if (job.state !== "running") assert.deepEqual(numbers, []);
    else {
      assert.ok(numbers.length === 1 || numbers.length === 2, String(numbers));
      assert.ok(numbers.every((number, i) => number > (numbers[i - 1] ?? 0) && number <= job.attempt));
      assert.equal(job.trainer, job.live.at(-1)?.trainer);
    }
    if (numbers.length === 2 && before.live.length < 2) assert.ok(event.type === "begun" && event.rival);
  });
});

test("where one of two attempts ends without a result the other goes on, and nothing counts", () => {
  onEveryStep((before, event, job) => {
    if (before.live.length < 2 || !["lost", "released", "failed"].includes(event.type) || job === before) return;
    assert.deepEqual(
      job.live,
      before.live.filter((one) => !("attempt" in event) || one.attempt !== event.attempt),
    );
    assert.deepEqual([job.state, job.failures, job.losses], ["running", before.failures, before.losses]);
  });
});

test("the first of two attempts that completes has made the job, and the other changes nothing more", () => {
  const slow = after(fresh, { type: "begun", trainer: "slow", atMs: 2 });
  const both = after(slow, { type: "begun", trainer: "fast", rival: true, atMs: 3 });
  assert.deepEqual(next(both, { type: "begun", trainer: "third", rival: true, atMs: 4 }), { refused: "leased" });
  for (const [first, second] of [
    [1, 2],
    [2, 1],
  ] as const) {
    const done = after(both, { type: "completed", attempt: first, artifact: "sha256:a", cpuMs: 5, atMs: 5 });
    assert.deepEqual([done.state, done.artifact, done.live], ["succeeded", "sha256:a", []]);
    for (const late of [
      { type: "completed", attempt: second, artifact: "sha256:b", cpuMs: 9, atMs: 6 },
      { type: "checkpointed", attempt: second, checkpoint: "sha256:c", step: 9 },
      { type: "failed", attempt: second, error: "x", permanent: true, atMs: 6 },
    ] as const)
      assert.deepEqual(next(done, late), { refused: "stale" });
  }
});

test("a checkpoint of either attempt counts if its step is later", () => {
  const slow = after(fresh, { type: "begun", trainer: "slow", atMs: 2 });
  const both = after(slow, { type: "begun", trainer: "fast", rival: true, atMs: 3 });
  const save = (job: JobRecord, attempt: number, step: number) =>
    after(job, { type: "checkpointed", attempt, checkpoint: `sha256:${attempt}-${step}`, step });
  const saved = save(save(save(both, 1, 5), 2, 9), 1, 7);
  assert.deepEqual([saved.checkpoint, saved.checkpointStep, saved.checkpointBefore], ["sha256:2-9", 9, "sha256:1-5"]);
});

test("a reproduction has one attempt at a time", () => {
  const begun = after({ ...fresh, reproduce: true }, { type: "begun", trainer: "slow", atMs: 2 });
  assert.deepEqual(next(begun, { type: "begun", trainer: "fast", rival: true, atMs: 3 }), { refused: "leased" });
});

test("a stale attempt changes nothing and is told so", () => {
  onEveryStep((before, event, job) => {
    if (!("attempt" in event) || event.attempt === before.attempt || isLive(before, event.attempt)) return;
    assert.deepEqual(next(before, event), { refused: "stale" });
    assert.equal(job, before);
  });
});

test("what has ended stays so, until it is submitted or tried again or its artifact turns up", () => {
  onEveryStep((before, event, job) => {
    if (!isFinal(before)) return;
    if (event.type === "submitted") assert.ok(job.state === "queued" || (before.state === "succeeded" && job === before));
    else if (event.type === "retried") assert.equal(job.state, before.state === "succeeded" ? "succeeded" : "queued");
    else if (event.type === "found") assert.equal(job.state, "succeeded");
    else assert.deepEqual({ ...job, pinned: before.pinned }, before);
  });
});

test("each state has what belongs to it", () => {
  onEveryStep((_before, _event, job) => {
    assert.equal(job.finishedAtMs > 0, isFinal(job));
    assert.equal(job.artifact !== "", job.state === "succeeded");
    if (job.state === "failed") assert.notEqual(job.error, "");
    if (isFinal(job)) assert.equal(job.checkpoint, "");
    if (job.checkpoint !== "") assert.ok(job.pinned);
    if (!isFinal(job)) assert.ok(job.failures < MAX_FAILURES && job.losses < MAX_LOSSES);
  });
});

test("an event that is told twice is told once", () => {
  onEveryStep((_before, event, job) => {
    if (event.type !== "begun") assert.deepEqual(after(job, event), job);
  });
});

test("a second trainer is refused while one has the job, and later too", () => {
  const begun = after(fresh, { type: "begun", trainer: "t1", atMs: 2 });
  assert.deepEqual(next(begun, { type: "begun", trainer: "t2", atMs: 3 }), { refused: "leased" });
  const done = after(begun, { type: "completed", attempt: 1, artifact: "sha256:a", cpuMs: 5, atMs: 4 });
  assert.deepEqual(next(done, { type: "begun", trainer: "t2", atMs: 5 }), { refused: "done" });
});

test(`a job fails with its attempt number ${MAX_FAILURES}, or at once if trying again cannot help`, () => {
  let job = fresh;
  for (let count = 1; count <= MAX_FAILURES; count++) {
    assert.equal(job.state, "queued");
    job = after(job, { type: "begun", trainer: "t1", atMs: count });
    job = after(job, { type: "failed", attempt: count, error: `broken ${count}`, permanent: false, atMs: count });
  }
  assert.deepEqual([job.state, job.error], ["failed", `broken ${MAX_FAILURES}`]);
  const begun = after(fresh, { type: "begun", trainer: "t1", atMs: 2 });
  assert.equal(after(begun, { type: "failed", attempt: 1, error: "NaN", permanent: true, atMs: 3 }).state, "failed");
});

test("lost trainers count anew after a checkpoint: a job that gets on is never given up", () => {
  let job = fresh;
  for (let count = 1; count < 3 * MAX_LOSSES; count++) {
    job = after(job, { type: "begun", trainer: "t1", atMs: count });
    if (count % 10 === 0) job = after(job, { type: "checkpointed", attempt: count, checkpoint: "sha256:c", step: count });
    job = after(job, { type: "lost", attempt: count, how: "said nothing for 15 s", atMs: count });
    assert.equal(job.state, "queued");
  }
  let stuck = fresh;
  for (let count = 1; count <= MAX_LOSSES; count++) {
    stuck = after(stuck, { type: "begun", trainer: "t1", atMs: count });
    stuck = after(stuck, { type: "lost", attempt: count, how: "said nothing for 15 s", atMs: count });
  }
  assert.deepEqual(
    [stuck.state, stuck.error],
    ["failed", `${MAX_LOSSES} trainers were lost while they ran this job without progress; the last, t1, said nothing for 15 s`],
  );
});

test("failures count anew after a checkpoint that shows progress, and only after such a one", () => {
  const failing = (steps: readonly number[]) => {
    let job = fresh;
    steps.forEach((step, index) => {
      job = after(job, { type: "begun", trainer: "t1", atMs: 2 });
      job = after(job, { type: "checkpointed", attempt: index + 1, checkpoint: "sha256:c", step });
      job = after(job, { type: "failed", attempt: index + 1, error: "disk full", permanent: false, atMs: 3 });
    });
    return job.state;
  };
  assert.equal(failing([10, 20, 30, 40, 50]), "queued");
  assert.equal(failing([10, 10, 10]), "failed");
});

test("a checkpoint of an earlier step never takes the place of a later one", () => {
  onEveryStep((before, event, job) => {
    if (event.type === "checkpointed" && before.checkpoint !== "") assert.ok(job.checkpointStep >= before.checkpointStep);
  });
  const save = (job: JobRecord, checkpoint: string, step: number) => after(job, { type: "checkpointed", attempt: 1, checkpoint, step });
  const saved = save(after(fresh, { type: "begun", trainer: "t1", atMs: 2 }), "sha256:five", 5);
  assert.deepEqual(save(saved, "sha256:three", 3), saved);
  assert.equal(save(saved, "sha256:six", 6).checkpoint, "sha256:six");
});

test("a job that is given back counts nothing and can be taken again", () => {
  let job = fresh;
  for (let count = 1; count <= 3 * MAX_LOSSES; count++) {
    job = after(job, { type: "begun", trainer: "t1", atMs: count });
    job = after(job, { type: "released", attempt: count });
    assert.deepEqual([job.state, job.failures, job.losses], ["queued", 0, 0]);
  }
});

test("a job that was completed while the catalog was being asked is not run again, whatever the clock says", () => {
  const begun = after(fresh, { type: "begun", trainer: "t1", atMs: 2 });
  const done = after(begun, { type: "completed", attempt: 1, artifact: "sha256:a", cpuMs: 5, atMs: 10 });
  for (const atMs of [1, 9, 11]) {
    assert.equal(after(done, { type: "submitted", seenEndedAtMs: 0, needs, atMs }), done);
    assert.equal(after(done, { type: "submitted", seenEndedAtMs: done.finishedAtMs, needs, atMs }).state, "queued");
  }
});

test("a job that starts anew was submitted later than before, and ended no sooner, though the clock was set back", () => {
  onEveryStep((before, event, job) => {
    assert.ok(job.submittedAtMs >= before.submittedAtMs);
    if (isFinal(before) && job.state === "queued") assert.ok(job.submittedAtMs > before.submittedAtMs);
    if (isFinal(job)) assert.ok(job.finishedAtMs >= job.submittedAtMs, event.type);
  });
});

test("only what has failed or was cancelled is tried again, with nothing held against it", () => {
  const failed = after(after(fresh, { type: "begun", trainer: "t1", atMs: 2 }), {
    type: "failed",
    attempt: 1,
    error: "broken",
    permanent: true,
    atMs: 3,
  });
  const again = after(failed, { type: "retried", atMs: 4 });
  assert.deepEqual([again.state, again.failures, again.error, again.attempt], ["queued", 0, "", 1]);
  for (const job of [fresh, again, after(again, { type: "begun", trainer: "t1", atMs: 5 })])
    assert.deepEqual(next(job, { type: "retried", atMs: 6 }), { refused: "unretryable" });
  const cancelled = after(fresh, { type: "cancelled", reason: "cancelled by hand: too slow", atMs: 2 });
  assert.equal(cancelled.error, "cancelled by hand: too slow");
  assert.equal(after(cancelled, { type: "retried", atMs: 3 }).state, "queued");
});
