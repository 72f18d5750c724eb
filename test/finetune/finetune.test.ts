import assert from "node:assert/strict";
import { test } from "node:test";
import { arithmetics, canonicalRecipe, digestOf, mediaTypes, recipeKey } from "#libs/recipes";
import { Code, isRpcError } from "#libs/rpc";
import { waitFor } from "#libs/testing";
import { AttemptOutcome, type Job, JobState } from "#proto/ratatouille/v1/finetune_pb.ts";
import { recipeOf, reportStream, startSystem } from "./system.ts";

const refused =
  (code: Code, reason?: string, field?: string) =>
  (error: unknown): boolean =>
    isRpcError(error, code, reason) && (field === undefined || error.violations[0]?.field === field);

test("a recipe that is submitted twice is one job, however it is written", async () => {
  await using system = await startSystem();
  const recipe = recipeOf(1);
  const first = await system.submit(recipe, { label: "seed 1" });
  assert.equal(first.id, `job-${recipeKey(recipe).slice(7, 23)}`);
  assert.deepEqual([first.state, first.label, first.recipe], [JobState.QUEUED, "seed 1", canonicalRecipe(recipe)]);
  const { job: second } = await system.jobs.submitJob({ recipe: JSON.stringify(recipe, null, 2), runId: "run-2" });
  assert.equal(second?.id, first.id);
  const other = await system.submit(recipeOf(2));
  await waitFor(() => system.offers.includes(other.id));
  assert.deepEqual(system.offers, [first.id, other.id]);
});

test("a recipe whose artifact is in the catalog has succeeded at once, and its job can be found", async () => {
  await using system = await startSystem();
  const artifact = await system.publish(recipeOf(1));
  const job = await system.submit(recipeOf(1));
  assert.deepEqual([job.state, job.artifact], [JobState.SUCCEEDED, artifact]);
  assert.equal((await system.jobs.getJob({ id: job.id })).job?.artifact, artifact);
  await waitFor(() => system.finished.length === 1);
  assert.equal(system.finished[0]?.artifact, artifact);
  assert.deepEqual(system.offers, []);
});

test("a queued job whose artifact turns up has succeeded without a trainer", async () => {
  await using system = await startSystem();
  const { id } = await system.submit(recipeOf(1));
  const artifact = await system.publish(recipeOf(1));
  assert.equal((await system.submit(recipeOf(1))).state, JobState.SUCCEEDED);
  await assert.rejects(system.begin(id), refused(Code.FAILED_PRECONDITION, "JOB_DONE"));
  assert.equal((await system.jobs.getJob({ id })).job?.artifact, artifact);
});

function pretraining(changes: object, datasets = 1): string {
  const training = { architecture: "mlp", hidden: [4], classes: 2, steps: 1, batch: 1, learningRate: 0.1, weightDecay: 0, dropout: 0 };
  const parameters = { ...training, train: "all", keep: "last", validationFraction: 0, validateEvery: 0, initSeed: 1, ...changes };
  const inputs = { datasets: Array.from({ length: datasets }, () => digestOf("data")) };
  return JSON.stringify({ kind: "pretrain", inputs, seed: 1, arithmetic: arithmetics.wasm, parameters });
}

test("a reproduction is a job of its own for each run, though the artifact is there", async () => {
  await using system = await startSystem();
  const artifact = await system.publish(recipeOf(1));
  const { id } = await system.submit(recipeOf(1));
  const ids: string[] = [];
  for (const runId of ["run-1", "run-1", "run-2"]) ids.push((await system.submit(recipeOf(1), { runId, reproduce: true })).id);
  assert.equal(ids[0], ids[1]);
  assert.equal(new Set([id, ...ids]).size, 3);
  const begun = await system.jobs.beginAttempt({ jobId: ids[0]!, trainer: "t" });
  assert.equal(begun.reproduce, true);
  const done = await system.jobs.completeAttempt({ jobId: ids[0]!, attempt: begun.attempt, artifact, cpuMs: 7n });
  assert.deepEqual([done.job?.state, done.job?.cpuMs], [JobState.SUCCEEDED, 7n]);
});

test("a recipe that no trainer can run is refused with the field", async () => {
  await using system = await startSystem();
  for (const [what, recipe, field] of [
    ["text that is no JSON", "{", "recipe.recipe"],
    ["a kind that no trainer runs", JSON.stringify({ kind: "average", inputs: {}, parameters: {} }), undefined],
    ["a parameter that is missing", JSON.stringify({ ...recipeOf(1), parameters: { generator: "glyphs/1" } }), undefined],
    ["a network of 200000 layers", pretraining({ hidden: new Array<number>(200_000).fill(1) }), "recipe.parameters.hidden"],
    ["a training without end", pretraining({ steps: 1e300 }), "recipe.parameters.steps"],
    ["a network of a million classes", pretraining({ classes: 1_000_000 }), "recipe.parameters.classes"],
    ["a training on 1001 data sets", pretraining({}, 1001), "recipe.inputs.datasets"],
  ] as const) {
    const submitting = system.jobs.submitJob({ recipe, runId: "run-1" });
    await assert.rejects(submitting, refused(Code.INVALID_ARGUMENT, "RECIPE_INVALID", field), what);
  }
  assert.deepEqual((await system.jobs.listJobs({})).jobs, []);
});

test("wrong requests are refused with the field", async () => {
  await using system = await startSystem();
  const { jobs } = system;
  const { id } = await system.submit(recipeOf(1));
  const attempt = await system.begin(id);
  const cases: [string, () => Promise<unknown>][] = [
    ["run_id", () => jobs.submitJob({ recipe: canonicalRecipe(recipeOf(1)) })],
    ["run_id", () => jobs.cancelJobs({})],
    ["page_size", () => jobs.listJobs({ pageSize: -1 })],
    ["page_token", () => jobs.listJobs({ pageToken: "x" })],
    ["states[0]", () => jobs.listJobs({ states: [JobState.UNSPECIFIED] })],
    ["trainer", () => jobs.beginAttempt({ jobId: id })],
    ["checkpoint", () => jobs.saveCheckpoint({ jobId: id, attempt, checkpoint: "x" })],
    ["artifact", () => jobs.completeAttempt({ jobId: id, attempt, artifact: "x" })],
    ["cpu_ms", () => jobs.completeAttempt({ jobId: id, attempt, artifact: digestOf("x"), cpuMs: 2n ** 53n })],
    ["cpu_ms", () => jobs.completeAttempt({ jobId: id, attempt, artifact: digestOf("x"), cpuMs: -1n })],
    ["usage.sent_bytes", () => jobs.completeAttempt({ jobId: id, attempt, artifact: digestOf("x"), usage: { sentBytes: -1n } })],
    ["run_id", () => jobs.submitJob({ recipe: canonicalRecipe(recipeOf(1)), runId: "r".repeat(1001) })],
    ["label", () => jobs.submitJob({ recipe: canonicalRecipe(recipeOf(1)), runId: "r", label: "l".repeat(1001) })],
    ["trainer", () => jobs.beginAttempt({ jobId: id, trainer: "t".repeat(1001) })],
    ["reason", () => jobs.cancelJob({ id, reason: "w".repeat(1001) })],
    ["run_id", () => jobs.submitJob({ recipe: canonicalRecipe(recipeOf(1)), runId: "r\n1" })],
    ["label", () => jobs.submitJob({ recipe: canonicalRecipe(recipeOf(1)), runId: "r", label: "\u001b[2J" })],
    ["trainer", () => jobs.beginAttempt({ jobId: id, trainer: "t\u0000" })],
  ];
  for (const [field, call] of cases) await assert.rejects(call(), refused(Code.INVALID_ARGUMENT, undefined, field), field);
  for (const call of [() => jobs.getJob({ id: "job-x" }), () => system.begin("job-x")])
    await assert.rejects(call(), refused(Code.NOT_FOUND, "JOB_UNKNOWN"));
});

test("an attempt is completed by an artifact of its recipe that is in the catalog, once", async () => {
  await using system = await startSystem();
  const { id } = await system.submit(recipeOf(1));
  const attempt = await system.begin(id);
  await assert.rejects(system.begin(id, "trainer-2"), refused(Code.FAILED_PRECONDITION, "JOB_LEASED"));
  const other = await system.publish(recipeOf(2));
  const complete = (artifact: string) =>
    system.jobs.completeAttempt({ jobId: id, attempt, artifact, cpuMs: 12n, usage: { sentBytes: 5_000_000_000n } });
  await assert.rejects(complete(digestOf("nowhere")), refused(Code.FAILED_PRECONDITION, "ARTIFACT_MISSING"));
  await assert.rejects(complete(other), refused(Code.FAILED_PRECONDITION, "ARTIFACT_OF_OTHER_RECIPE"));
  const artifact = await system.publish(recipeOf(1));
  const { job } = await complete(artifact);
  assert.deepEqual([job?.state, job?.artifact, job?.cpuMs], [JobState.SUCCEEDED, artifact, 12n]);
  assert.equal((await system.jobs.getJob({ id })).job?.usage?.sentBytes, 5_000_000_000n);
  assert.equal((await complete(artifact)).job?.state, JobState.SUCCEEDED);
  await assert.rejects(system.begin(id), refused(Code.FAILED_PRECONDITION, "JOB_DONE"));
  await system.submit(recipeOf(2));
  await waitFor(() => system.finished.length === 2);
  assert.deepEqual(
    system.finished.map(({ jobId }) => jobId === id),
    [true, false],
  );
});

test("a trainer whose stream breaks and does not come back loses the job soon, and whatever it says later is refused", async () => {
  await using system = await startSystem({ leaseSeconds: 600 });
  const { jobs } = system;
  const { id } = await system.submit(recipeOf(1));
  const first = await system.begin(id);
  const stream = reportStream(jobs, id, first);
  await waitFor(async () => (await jobs.getJob({ id })).job?.progress?.step === 1);
  const broken = performance.now();
  stream.break();
  await waitFor(() => system.offers.length === 2, { what: "the job to be offered again" });
  assert.ok(performance.now() - broken < 3000, `it took ${performance.now() - broken} ms`);
  const second = await system.begin(id, "trainer-2");
  assert.equal(second, first + 1);
  const artifact = await system.publish(recipeOf(1));
  const stale = refused(Code.ABORTED, "ATTEMPT_STALE");
  await assert.rejects(reportStream(jobs, id, first).ended, stale);
  await assert.rejects(jobs.saveCheckpoint({ jobId: id, attempt: first, checkpoint: artifact }), stale);
  await assert.rejects(jobs.completeAttempt({ jobId: id, attempt: first, artifact }), stale);
  await assert.rejects(jobs.failAttempt({ jobId: id, attempt: first, error: "late" }), stale);
  const { job } = await jobs.getJob({ id });
  assert.deepEqual([job?.state, job?.attempt, job?.trainer, job?.error], [JobState.RUNNING, second, "trainer-2", ""]);
});

test("a trainer that opens its stream again after a break keeps its attempt, whichever end is seen first", async () => {
  await using system = await startSystem({ leaseSeconds: 600 });
  const { jobs } = system;
  const { id } = await system.submit(recipeOf(1));
  const attempt = await system.begin(id);
  const other = await system.submit(recipeOf(2));
  const stepOf = async () => (await jobs.getJob({ id })).job?.progress?.step;
  let stream = reportStream(jobs, id, attempt);
  await waitFor(async () => (await stepOf()) === 1);
  // The second stream is open before the first one is seen to break; the third only after.
  const overlapping = reportStream(jobs, id, attempt);
  overlapping.report();
  await waitFor(async () => (await stepOf()) === 2);
  stream.break();
  overlapping.break();
  await assert.rejects(stream.ended);
  stream = reportStream(jobs, id, attempt);
  // As long as a job would take to be given away: that of a trainer which breaks now and is never seen again.
  const lost = reportStream(jobs, other.id, await system.begin(other.id));
  await waitFor(async () => (await jobs.getJob({ id: other.id })).job?.progress);
  lost.break();
  await waitFor(() => system.offers.length === 3, { what: "the other job to be offered again" });
  assert.deepEqual(system.offers, [id, other.id, other.id]);
  const { job } = await jobs.getJob({ id });
  assert.deepEqual([job?.state, job?.attempt], [JobState.RUNNING, attempt]);
  stream.end();
});

test("a job that is given back is offered at once, as often as it takes, and by nobody else's attempt", async () => {
  await using system = await startSystem({ leaseSeconds: 600 });
  const { jobs } = system;
  const { id } = await system.submit(recipeOf(1));
  for (let attempt = 1; attempt <= 5; attempt++) {
    assert.equal(await system.begin(id), attempt);
    const stream = reportStream(jobs, id, attempt);
    await waitFor(async () => (await jobs.getJob({ id })).job?.progress);
    for (let times = 0; times < 2; times++) await jobs.releaseAttempt({ jobId: id, attempt });
    await assert.rejects(stream.ended, refused(Code.ABORTED, "ATTEMPT_STALE"));
    await waitFor(() => system.offers.length === attempt + 1, { what: "the next offer", timeoutMs: 1000 });
    await assert.rejects(jobs.releaseAttempt({ jobId: id, attempt: attempt - 1 }), refused(Code.ABORTED, "ATTEMPT_STALE"));
  }
  assert.equal((await jobs.getJob({ id })).job?.state, JobState.QUEUED);
});

test("a trainer that says nothing for the time of its lease loses the job; one that reports keeps it", async () => {
  await using system = await startSystem({ leaseSeconds: 1 });
  const { jobs } = system;
  const [silent, busy] = [await system.submit(recipeOf(1)), await system.submit(recipeOf(2))];
  const began = performance.now();
  await system.begin(silent.id);
  const stream = reportStream(jobs, busy.id, await system.begin(busy.id, "trainer-2"));
  await waitFor(async () => {
    stream.report();
    return (await jobs.getJob({ id: silent.id })).job?.state === JobState.QUEUED;
  });
  assert.ok(performance.now() - began > 900);
  assert.equal((await jobs.getJob({ id: busy.id })).job?.state, JobState.RUNNING);
  stream.end();
  await stream.ended;
});

test("a loss that cannot be written at once does not strand the job: the sweep finds that nobody has it", async () => {
  await using system = await startSystem({ leaseSeconds: 1, sweepMs: 100 });
  const { id } = await system.submit(recipeOf(1));
  await system.begin(id);
  await system.sql(
    "create trigger broken before update on jobs when new.state = 'queued' begin select raise(abort, 'disk I/O error'); end",
  );
  await waitFor(async () => (await system.logged()).includes("was not written"), { what: "a loss that is not written" });
  assert.equal((await system.jobs.getJob({ id })).job?.state, JobState.RUNNING);
  await system.sql("drop trigger broken");
  await waitFor(() => system.offers.length === 2, { what: "the second offer" });
  assert.equal(await system.begin(id, "trainer-2"), 2);
});

test("an error of any length is told, in short, and the events behind it are published", async () => {
  await using system = await startSystem();
  const { jobs } = system;
  const { id } = await system.submit(recipeOf(1));
  const error = `out of memory ${"\u{1f355}".repeat(700_000)}`;
  const failed = await jobs.failAttempt({ jobId: id, attempt: await system.begin(id), error, permanent: true });
  assert.equal(failed.job?.error, `${error.slice(0, 1998)}…`);
  assert.ok(failed.job?.error.isWellFormed());
  await waitFor(() => system.finished.length === 1, { what: "the event" });
  assert.equal(system.finished[0]?.error, failed.job?.error);
});

test("a superseded attempt learns it on its open stream", async () => {
  await using system = await startSystem();
  const { id } = await system.submit(recipeOf(1));
  const attempt = await system.begin(id);
  const stream = reportStream(system.jobs, id, attempt);
  await waitFor(async () => (await system.jobs.getJob({ id })).job?.progress);
  await system.jobs.failAttempt({ jobId: id, attempt, error: "told by another connection" });
  await assert.rejects(stream.ended, refused(Code.ABORTED, "ATTEMPT_STALE"));
});

test("the next attempt goes on from the checkpoint, which the catalog keeps until the job has ended", async () => {
  await using system = await startSystem();
  const { jobs } = system;
  const { id } = await system.submit(recipeOf(1));
  const first = await system.begin(id);
  const blob = await system.artifacts.upload(Uint8Array.of(1, 2, 3), { mediaType: mediaTypes.weights });
  await jobs.saveCheckpoint({ jobId: id, attempt: first, checkpoint: blob.digest, step: 50 });
  const late = await system.artifacts.upload(Uint8Array.of(1, 2), { mediaType: mediaTypes.weights });
  await jobs.saveCheckpoint({ jobId: id, attempt: first, checkpoint: late.digest, step: 40 });
  await jobs.failAttempt({ jobId: id, attempt: first, error: "device lost" });
  const begun = await jobs.beginAttempt({ jobId: id, trainer: "trainer-2" });
  assert.equal(begun.checkpoint, blob.digest);
  const save = async (...bytes: readonly number[]) => {
    const { digest } = await system.artifacts.upload(Uint8Array.from(bytes), { mediaType: mediaTypes.weights });
    await jobs.saveCheckpoint({ jobId: id, attempt: begun.attempt, checkpoint: digest, step: 60 + bytes.length, format: "torch/1" });
    return digest;
  };
  const isThere = (digest: string) =>
    system.artifacts.download(digest).then(
      () => true,
      () => false,
    );
  const saved = [blob.digest, await save(4), await save(5, 6), await save(7, 8, 9)];
  // Two are kept, in case that the newest is damaged. What they have replaced is gone at once.
  assert.deepEqual(await Promise.all(saved.map(isThere)), [false, false, true, true]);
  await jobs.releaseAttempt({ jobId: id, attempt: begun.attempt });
  const last = await jobs.beginAttempt({ jobId: id, trainer: "trainer-3" });
  assert.deepEqual(
    [last.checkpoint, last.earlierCheckpoint, last.checkpointFormat, last.checkpointStep],
    [saved[3], saved[2], "torch/1", 63],
  );
  await jobs.completeAttempt({ jobId: id, attempt: last.attempt, artifact: await system.publish(recipeOf(1)) });
  assert.deepEqual(await Promise.all(saved.map(isThere)), [false, false, false, false]);
});

test("an attempt that failed is tried again, three times; a permanent failure is not", async () => {
  await using system = await startSystem();
  const { jobs } = system;
  const { id } = await system.submit(recipeOf(1));
  for (let attempt = 1; attempt <= 3; attempt++) {
    await waitFor(() => system.offers.length === attempt, { what: `offer ${attempt}` });
    assert.equal(await system.begin(id), attempt);
    for (let times = 0; times < 2; times++) {
      const { job } = await jobs.failAttempt({ jobId: id, attempt, error: `broken ${attempt}` });
      assert.equal(job?.state, attempt < 3 ? JobState.QUEUED : JobState.FAILED);
    }
  }
  const nan = await system.submit(recipeOf(2));
  const attempt = await system.begin(nan.id);
  await jobs.failAttempt({ jobId: nan.id, attempt, error: "loss is not finite at step 3", permanent: true });
  await waitFor(() => system.finished.length === 2);
  assert.deepEqual(
    system.finished.map(({ state, error }) => [state, error]),
    [
      [JobState.FAILED, "broken 3"],
      [JobState.FAILED, "loss is not finite at step 3"],
    ],
  );
  assert.equal((await system.submit(recipeOf(2))).state, JobState.QUEUED);
  assert.equal(await system.begin(nan.id), 2);
});

test("cancelling stops what no other run needs; its trainer learns it, and its run still shows it", async () => {
  await using system = await startSystem();
  const { jobs } = system;
  const shared = await system.submit(recipeOf(1));
  await system.submit(recipeOf(1), { runId: "run-2" });
  const waiting = await system.submit(recipeOf(2));
  const running = await system.submit(recipeOf(3));
  const stream = reportStream(jobs, running.id, await system.begin(running.id));
  await waitFor(async () => (await jobs.getJob({ id: running.id })).job?.progress);
  assert.equal((await jobs.cancelJobs({ runId: "run-1" })).cancelled, 2);
  await assert.rejects(stream.ended, refused(Code.CANCELLED, "JOB_CANCELLED"));
  assert.equal((await jobs.cancelJobs({ runId: "run-1" })).cancelled, 0);
  const states = new Map((await jobs.listJobs({ runId: "run-1" })).jobs.map(({ id, state }) => [id, state]));
  assert.deepEqual([...states.values()], [JobState.QUEUED, JobState.CANCELLED, JobState.CANCELLED]);
  assert.equal((await jobs.cancelJobs({ runId: "run-2", jobIds: [waiting.id] })).cancelled, 0);
  assert.equal((await jobs.cancelJobs({ runId: "run-2", jobIds: [shared.id] })).cancelled, 1);
  await assert.rejects(system.begin(waiting.id), refused(Code.FAILED_PRECONDITION, "JOB_DONE"));
  await waitFor(() => system.finished.length === 3);
  assert.ok(system.finished.every(({ state }) => state === JobState.CANCELLED));
  assert.equal((await system.submit(recipeOf(2))).state, JobState.QUEUED);
});

test("a job whose artifact was damaged is run again", async () => {
  await using system = await startSystem();
  const { id } = await system.submit(recipeOf(1));
  const attempt = await system.begin(id);
  const artifact = await system.publish(recipeOf(1));
  await system.jobs.completeAttempt({ jobId: id, attempt, artifact });
  system.clock.aheadMs = 2 * 3_600_000;
  await system.catalog.collectGarbage({});
  const again = await system.submit(recipeOf(1));
  assert.deepEqual([again.id, again.state], [id, JobState.QUEUED]);
  assert.equal(await system.begin(id), attempt + 1);
});

test("an attempt outlives a restart of the service if its trainer reports in time", async () => {
  await using system = await startSystem();
  const { jobs } = system;
  const { id } = await system.submit(recipeOf(1));
  const attempt = await system.begin(id);
  const before = reportStream(jobs, id, attempt);
  await waitFor(async () => (await jobs.getJob({ id })).job?.progress);
  await system.restart({ orphanGraceMs: 60_000 });
  await assert.rejects(before.ended);
  // A stream is not tried again where the connection before is lost: whatever is asked first finds the new one.
  await jobs.getJob({ id });
  const stream = reportStream(jobs, id, attempt);
  await waitFor(async () => (await jobs.getJob({ id })).job?.progress);
  const artifact = await system.publish(recipeOf(1));
  const { job } = await jobs.completeAttempt({ jobId: id, attempt, artifact });
  assert.equal(job?.state, JobState.SUCCEEDED);
  stream.end();
});

test("an attempt whose trainer does not come back after a restart is given to another one", async () => {
  await using system = await startSystem();
  const { id } = await system.submit(recipeOf(1));
  const attempt = await system.begin(id);
  await system.restart({ orphanGraceMs: 0 });
  await waitFor(() => system.offers.length === 2, { what: "the second offer" });
  assert.equal(await system.begin(id, "trainer-2"), attempt + 1);
});

test("an attempt that published and then died does not cost a second training", async () => {
  await using system = await startSystem();
  const { id } = await system.submit(recipeOf(1));
  await system.begin(id);
  const artifact = await system.publish(recipeOf(1));
  await system.restart();
  await waitFor(() => system.offers.length === 2);
  await assert.rejects(system.begin(id), refused(Code.FAILED_PRECONDITION, "JOB_DONE"));
  assert.equal((await system.jobs.getJob({ id })).job?.artifact, artifact);
});

test("an offer that was committed and not yet published is published after the restart", async () => {
  await using system = await startSystem({ loops: false });
  const { id } = await system.submit(recipeOf(1));
  assert.deepEqual(system.offers, []);
  await system.restart({ loops: true });
  await waitFor(() => system.offers.length === 1);
  assert.deepEqual(system.offers, [id]);
});

test("a job whose offer got lost is offered again, later and later", async () => {
  await using system = await startSystem({ sweepMs: 10 });
  const { id } = await system.submit(recipeOf(1));
  await waitFor(() => system.offers.length === 1); // and nobody begins it
  for (const [aheadMs, offers] of [
    [61_000, 2],
    [182_000, 3],
  ] as const) {
    system.clock.aheadMs = aheadMs;
    await waitFor(() => system.offers.length === offers, { what: `offer ${offers}` });
  }
  assert.deepEqual(system.offers, [id, id, id]);
});

/** More than are read at once. */
const JOBS = 205;

test("a bus that has lost what it had is given an offer of every queued job at once", async () => {
  await using system = await startSystem();
  const numbers = Array.from({ length: JOBS }, (_, number) => number);
  const ids = (await Promise.all(numbers.map((number) => system.submit(recipeOf(number))))).map(({ id }) => id);
  const [running, finished] = [ids[0]!, ids[1]!];
  await waitFor(() => system.offers.length === JOBS, { what: "the offers" });
  await system.begin(running);
  const attempt = await system.begin(finished);
  await system.jobs.completeAttempt({ jobId: finished, attempt, artifact: await system.publish(recipeOf(1)) });
  system.offers.length = 0;
  system.reset();
  await waitFor(() => system.offers.length === JOBS - 2, { what: "the offers again" });
  assert.deepEqual(system.offers.toSorted(), ids.slice(2).toSorted());
});

test("jobs that were offered before the bus was made are offered again, and no others", async () => {
  await using system = await startSystem();
  const before = await system.submit(recipeOf(1));
  system.clock.aheadMs = 10_000;
  const after = await system.submit(recipeOf(2));
  await waitFor(() => system.offers.length === 2, { what: "the offers" });
  system.reset(Date.now() + 5_000);
  await waitFor(() => system.offers.length === 3, { what: "the offer again" });
  assert.deepEqual(system.offers, [before.id, after.id, before.id]);
});

for (const [what, jumpMs] of [
  ["forward", 24 * 3_600_000],
  ["back", -24 * 3_600_000],
] as const) {
  test(`a clock that jumps a day ${what} loses nothing and begins nothing twice`, async () => {
    await using system = await startSystem({ leaseSeconds: 600, sweepMs: 10 });
    const { jobs } = system;
    const [queued, running, succeeded, cancelled] = [
      await system.submit(recipeOf(1)),
      await system.submit(recipeOf(2)),
      await system.submit(recipeOf(3)),
      await system.submit(recipeOf(4)),
    ];
    const attempt = await system.begin(running.id);
    const stream = reportStream(jobs, running.id, attempt);
    await waitFor(async () => (await jobs.getJob({ id: running.id })).job?.progress);
    const artifact = await system.publish(recipeOf(3));
    await jobs.completeAttempt({ jobId: succeeded.id, attempt: await system.begin(succeeded.id), artifact });
    await jobs.cancelJobs({ runId: "run-1", jobIds: [cancelled.id] });
    await waitFor(() => system.offers.filter((id) => id === queued.id).length === 1, { what: "the first offer" });

    system.clock.aheadMs = jumpMs;
    // Its offer may be lost: nobody can tell for how long it has waited.
    await waitFor(() => system.offers.filter((id) => id === queued.id).length === 2, { what: "an offer after the jump" });
    stream.report();
    await waitFor(async () => (await jobs.getJob({ id: running.id })).job?.progress?.step === 2);
    await assert.rejects(system.begin(running.id), refused(Code.FAILED_PRECONDITION, "JOB_LEASED"));
    assert.equal((await jobs.getJob({ id: running.id })).job?.attempt, attempt);
    // What the catalog has is not made again, what it has lost is; and a job that starts anew is newer than it was.
    assert.equal((await system.submit(recipeOf(3))).state, JobState.SUCCEEDED);
    const again = await system.submit(recipeOf(4));
    assert.ok(again.state === JobState.QUEUED && again.submittedAtMs > cancelled.submittedAtMs);
    await waitFor(() => system.offers.filter((id) => id === cancelled.id).length >= 2, { what: "the offer of what starts anew" });
    assert.equal(await system.begin(queued.id), 1);

    system.clock.aheadMs = 0;
    const made = await system.publish(recipeOf(2));
    const { job } = await jobs.completeAttempt({ jobId: running.id, attempt, artifact: made });
    assert.deepEqual([job?.state, job?.attempt], [JobState.SUCCEEDED, attempt]);
    assert.ok(job!.finishedAtMs >= job!.submittedAtMs);
    const third = await system.submit(recipeOf(5));
    await waitFor(() => system.offers.includes(third.id), { what: "the offer of a new job" });
    // Only what was asked for was begun.
    assert.ok(system.offers.every((id) => id !== running.id || system.offers.filter((other) => other === id).length === 1));
  });
}

test("an artifact that was damaged after the clock was set back is made again", async () => {
  await using system = await startSystem();
  system.clock.aheadMs = 48 * 3_600_000;
  const { id } = await system.submit(recipeOf(1));
  const attempt = await system.begin(id);
  await system.jobs.completeAttempt({ jobId: id, attempt, artifact: await system.publish(recipeOf(1)) });
  system.clock.aheadMs = 51 * 3_600_000;
  await system.catalog.collectGarbage({});
  system.clock.aheadMs = 0;
  assert.equal((await system.submit(recipeOf(1))).state, JobState.QUEUED);
});

test("each attempt is shown with its end and the reason", async () => {
  await using system = await startSystem({ leaseSeconds: 1 });
  const { jobs } = system;
  const { id } = await system.submit(recipeOf(1));
  const state = async () => (await jobs.getJob({ id })).job?.state;
  const blob = await system.artifacts.upload(Uint8Array.of(1, 2, 3), { mediaType: mediaTypes.weights });
  await system.begin(id, "silent");
  await waitFor(async () => (await state()) === JobState.QUEUED, { what: "the end of the lease" });
  await jobs.failAttempt({ jobId: id, attempt: await system.begin(id, "clumsy"), error: "no space left" });
  const third = await system.begin(id, "leaving");
  await jobs.saveCheckpoint({ jobId: id, attempt: third, checkpoint: blob.digest, step: 50 });
  await jobs.releaseAttempt({ jobId: id, attempt: third });
  const fourth = await system.begin(id, "broken");
  const broken = reportStream(jobs, id, fourth);
  await waitFor(async () => (await jobs.getJob({ id })).job?.progress);
  broken.break();
  await waitFor(async () => (await state()) === JobState.QUEUED, { what: "the end of the broken one" });
  const stopped = await system.begin(id, "stopped");
  const skipped = { jobId: id, fromStep: 20, reason: "the checkpoint is damaged" };
  await assert.rejects(jobs.skipCheckpoint({ ...skipped, attempt: fourth }), refused(Code.ABORTED, "ATTEMPT_STALE"));
  await jobs.skipCheckpoint({ ...skipped, attempt: stopped });
  await jobs.cancelJob({ id, reason: " takes too long " });
  await jobs.retryJob({ id });
  const last = await system.begin(id, "good");
  await jobs.completeAttempt({ jobId: id, attempt: last, artifact: await system.publish(recipeOf(1)) });
  const { job } = await jobs.getJob({ id });
  const { LOST, FAILED, RELEASED, CANCELLED, COMPLETED } = AttemptOutcome;
  assert.deepEqual(
    job?.attempts.map(({ number, trainer, outcome, error, fromStep, skipped }) => [number, trainer, outcome, error, fromStep, skipped]),
    [
      [1, "silent", LOST, "said nothing for 1 s", 0, ""],
      [2, "clumsy", FAILED, "no space left", 0, ""],
      [3, "leaving", RELEASED, "", 0, ""],
      [4, "broken", LOST, job?.attempts[3]?.error, 50, ""],
      [5, "stopped", CANCELLED, "cancelled by hand: takes too long", 20, "the checkpoint is damaged"],
      [6, "good", COMPLETED, "", 0, ""],
    ],
  );
  assert.ok(job?.attempts.every(({ beganAtMs, endedAtMs }) => beganAtMs > 0n && endedAtMs >= beganAtMs));
  assert.deepEqual((await jobs.listJobs({})).jobs[0]?.attempts, []);
});

test("a job that is cancelled by hand stops for all runs and says why; only it and what has failed is tried again", async () => {
  await using system = await startSystem();
  const { jobs } = system;
  const { id } = await system.submit(recipeOf(1));
  await system.submit(recipeOf(1), { runId: "run-2" });
  await assert.rejects(jobs.retryJob({ id }), refused(Code.FAILED_PRECONDITION, "JOB_NOT_RETRYABLE"));
  const stream = reportStream(jobs, id, await system.begin(id));
  await waitFor(async () => (await jobs.getJob({ id })).job?.progress);
  for (const reason of ["the wrong data", "another word"]) {
    const { job } = await jobs.cancelJob({ id, reason });
    assert.deepEqual([job?.state, job?.error], [JobState.CANCELLED, "cancelled by hand: the wrong data"]);
  }
  await assert.rejects(stream.ended, refused(Code.CANCELLED, "JOB_CANCELLED"));
  await waitFor(() => system.finished.length === 1);
  assert.equal(system.finished[0]?.error, "cancelled by hand: the wrong data");
  const { job } = await jobs.retryJob({ id });
  assert.deepEqual([job?.state, job?.error], [JobState.QUEUED, ""]);
  await waitFor(() => system.offers.length === 2, { what: "the next offer" });
  const attempt = await system.begin(id);
  await jobs.failAttempt({ jobId: id, attempt, error: "NaN", permanent: true });
  assert.equal((await jobs.cancelJob({ id, reason: "late" })).job?.state, JobState.FAILED);
  assert.equal((await jobs.retryJob({ id })).job?.state, JobState.QUEUED);
  const artifact = await system.publish(recipeOf(1));
  // The catalog was not asked before, so it is now.
  await assert.rejects(system.begin(id), refused(Code.FAILED_PRECONDITION, "JOB_DONE"));
  assert.equal((await jobs.getJob({ id })).job?.artifact, artifact);
  await assert.rejects(jobs.retryJob({ id }), refused(Code.FAILED_PRECONDITION, "JOB_NOT_RETRYABLE"));
  for (const call of [jobs.retryJob({ id: "job-x" }), jobs.cancelJob({ id: "job-x" })])
    await assert.rejects(call, refused(Code.NOT_FOUND, "JOB_UNKNOWN"));
});

test("a job needs what its recipe asks for unless it is told otherwise, and is refused where no machine could have that", async () => {
  await using system = await startSystem();
  const { jobs } = system;
  const small = await system.submit(recipeOf(1));
  assert.deepEqual([small.needs?.device, small.needs?.backend], ["cpu", "cpu"]);
  assert.ok(small.needs!.memoryMib > 100 && small.needs!.memoryMib <= 1024);
  const gpu = await system.submit(recipeOf(2), { needs: { device: "gpu", backend: "cuda", memoryMib: 9000 } });
  assert.deepEqual([gpu.needs?.device, gpu.needs?.backend, gpu.needs?.memoryMib], ["gpu", "cuda", 9000]);
  const other = await system.submit(recipeOf(3));
  await waitFor(() => system.offers.length === 2, { what: "the offers" });
  // A queued job takes those of whoever submits it last, and is offered to those who have them.
  assert.equal((await system.submit(recipeOf(2), { runId: "run-2" })).needs?.device, "cpu");
  await system.submit(recipeOf(2), { runId: "run-3" });
  await waitFor(() => system.offers.length === 3, { what: "the offer to others" });
  assert.deepEqual(system.offers, [small.id, other.id, gpu.id]);
  // Of a running one they stay as they are.
  await system.begin(gpu.id);
  assert.equal((await system.submit(recipeOf(2), { needs: { device: "gpu", backend: "cuda" } })).needs?.device, "cpu");
  const submit = (changes: object, needs?: { device: string; backend: string; memoryMib: number; network?: string }) => {
    const recipe = recipeOf(4);
    const text = canonicalRecipe({ ...recipe, parameters: { ...recipe.parameters, ...changes } });
    return jobs.submitJob({ recipe: text, runId: "run-1", ...(needs ? { needs } : {}) });
  };
  const fitting = { device: "cpu", backend: "cpu", memoryMib: 600 };
  for (const [field, submitting] of [
    ["recipe.parameters.images", submit({ images: 100_000_000_000 })],
    ["needs.memory_mib", submit({}, { ...fitting, memoryMib: 2 ** 24 + 1 })],
    ["needs.network", submit({}, { ...fitting, network: "res net" })],
    ["needs.device", submit({}, { ...fitting, device: "abacus" })],
    ["needs.backend", submit({}, { ...fitting, backend: "a.b" })],
  ] as const)
    await assert.rejects(submitting, refused(Code.INVALID_ARGUMENT, "NEEDS_INVALID", field), field);
  assert.equal((await jobs.listJobs({})).jobs.length, 3);
});

test("lists come in pages, by run and by state", async () => {
  await using system = await startSystem();
  const { jobs } = system;
  const ids: string[] = [];
  for (let number = 0; number < 7; number++) ids.push((await system.submit(recipeOf(number), { runId: number < 5 ? "a" : "b" })).id);
  await system.begin(ids[0]!);
  const read = async (request: { runId?: string; states?: JobState[] }) => {
    const pages: number[] = [];
    const found: string[] = [];
    for (let pageToken = ""; ; ) {
      const page = await jobs.listJobs({ ...request, pageSize: 3, pageToken });
      pages.push(page.jobs.length);
      found.push(...page.jobs.map(({ id }) => id));
      pageToken = page.nextPageToken;
      if (pageToken === "") return { pages, found };
    }
  };
  assert.deepEqual(await read({}), { pages: [3, 3, 1], found: ids });
  assert.deepEqual((await read({ runId: "b" })).found, ids.slice(5));
  assert.deepEqual((await read({ runId: "a", states: [JobState.RUNNING] })).found, ids.slice(0, 1));
});

test("watching starts with the current state and then tells what changed, each job once a message", async () => {
  await using system = await startSystem();
  const { jobs } = system;
  const first = await system.submit(recipeOf(1));
  await system.submit(recipeOf(2), { runId: "run-2" });
  const leaving = new AbortController();
  const watching = jobs.watchJobs({ runId: "run-1" }, { timeoutMs: 0, signal: leaving.signal })[Symbol.asyncIterator]();
  const snapshot = (await watching.next()).value!;
  assert.deepEqual([snapshot.current, snapshot.jobs.map(({ id }: Job) => id)], [true, [first.id]]);
  assert.equal(snapshot.jobs[0]?.recipe, "");

  // A slow watcher: many changes of two jobs while it does not read.
  const attempt = await system.begin(first.id);
  const second = await system.submit(recipeOf(3));
  const stream = reportStream(jobs, first.id, attempt);
  let last = 0;
  for (let count = 0; count < 50; count++) {
    stream.report();
    last = await waitFor(async () => {
      const step = (await jobs.getJob({ id: first.id })).job?.progress?.step ?? 0;
      return step > last && step;
    });
  }
  const seen = new Map<string, Job>();
  let messages = 0;
  while ((seen.get(first.id)?.progress?.step ?? 0) < last || !seen.has(second.id)) {
    const { value } = await watching.next();
    messages += 1;
    const ids = value!.jobs.map(({ id }: Job) => id);
    assert.equal(new Set(ids).size, ids.length);
    for (const job of value!.jobs) seen.set(job.id, job);
  }
  assert.ok(messages <= 10, `${messages} messages for 52 changes`);
  assert.deepEqual([...seen.keys()].sort(), [first.id, second.id].sort());

  // What another run made, this run is told of when it needs it too.
  await system.submit(recipeOf(2), { runId: "run-1" });
  let added = (await watching.next()).value!;
  while (!added.jobs.some(({ id }: Job) => id !== first.id && id !== second.id)) added = (await watching.next()).value!;
  stream.end();
  leaving.abort();
});
