import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeDataset, generateGlyphs } from "#libs/datasets";
import { type GlyphsParameters, mediaTypes } from "#libs/recipes";
import { Code, isRpcError } from "#libs/rpc";
import { waitFor } from "#libs/testing";
import { AttemptOutcome, JobState } from "#proto/ratatouille/v1/finetune_pb.ts";
import { recipeOf, type System, startSystem } from "./system.ts";

const engine = { name: "cpu", device: "cpu", arithmetics: [], networks: [], builtInNetworks: true };

async function announce(system: System, ...ids: readonly string[]): Promise<void> {
  for (const id of ids) {
    const trainer = { id, name: `cook-${id}`, device: "cpu", engines: [engine], kinds: ["dataset"], memoryMib: 4096 };
    await system.jobs.announceTrainer({ trainer });
  }
}

const begin = async (system: System, jobId: string, trainerId: string) =>
  (await system.jobs.beginAttempt({ jobId, trainer: `cook-${trainerId}`, trainerId })).attempt;

/** Completes a job with what is no data set. @returns the sentence */
async function spoil(system: System, jobId: string, trainerId: string, begun?: number): Promise<string> {
  const attempt = begun ?? (await begin(system, jobId, trainerId));
  const { digest, size } = await system.artifacts.upload(Buffer.from("soup"), { mediaType: mediaTypes.sourceLayer });
  const outputs = [{ role: "data", digest, sizeBytes: BigInt(size) }];
  return system.jobs.completeAttempt({ jobId, attempt, outputs }).then(
    () => assert.fail("it was taken"),
    (error: unknown) => {
      assert.ok(isRpcError(error, Code.INVALID_ARGUMENT, "OUTPUTS_INVALID"), String(error));
      return error.message;
    },
  );
}

async function cook(system: System, jobId: string, number: number, trainerId: string) {
  const attempt = await begin(system, jobId, trainerId);
  const file = encodeDataset(generateGlyphs(recipeOf(number).parameters as GlyphsParameters, number));
  const { digest, size } = await system.artifacts.upload(file, { mediaType: mediaTypes.sourceLayer });
  return (await system.jobs.completeAttempt({ jobId, attempt, outputs: [{ role: "data", digest, sizeBytes: BigInt(size) }] })).job!;
}

const parked = (error: unknown) =>
  isRpcError(error, Code.FAILED_PRECONDITION, "TRAINER_PARKED") && /its results were refused/.test(error.message);

test("three refused results park a trainer, and nothing counts against the jobs, which others do", async () => {
  await using system = await startSystem({ presenceSeconds: 600 });
  await announce(system, "a", "b");
  for (let number = 1; number <= 3; number++) {
    const { id } = await system.submit(recipeOf(number));
    const sentence = await spoil(system, id, "a");
    const { job } = await system.jobs.getJob({ id });
    assert.deepEqual([job?.state, job?.error], [JobState.QUEUED, sentence]);
    assert.deepEqual([job?.attempts[0]?.outcome, job?.attempts[0]?.error], [AttemptOutcome.FAILED, sentence]);
    // Not again to the same one.
    if (number < 3) await assert.rejects(begin(system, id, "a"), (error) => isRpcError(error, Code.FAILED_PRECONDITION, "JOB_UNFIT"));
    assert.equal((await cook(system, id, number, "b")).state, JobState.SUCCEEDED);
  }
  const { id } = await system.submit(recipeOf(4));
  await assert.rejects(begin(system, id, "a"), parked);
  await assert.rejects(system.jobs.takeJob({ trainerId: "a" }), parked);
  assert.match((await system.jobs.getTrainer({ name: "a" })).trainer?.parked ?? "", /^3 of its results were refused; the last: outputs: /);
  // Announcing itself again does not help, only another life does.
  await announce(system, "a");
  await assert.rejects(begin(system, id, "a"), parked);
  assert.match(await system.logged(), /a trainer is parked/);
  await announce(system, "a2");
  assert.equal((await cook(system, id, 4, "a2")).state, JobState.SUCCEEDED);
});

test("a trainer that waits for work while it is parked is told so", async () => {
  await using system = await startSystem({ presenceSeconds: 600 });
  await announce(system, "a", "b");
  const running = [];
  for (const number of [1, 2, 3]) {
    const { id } = await system.submit(recipeOf(number));
    running.push({ id, attempt: await begin(system, id, "a") });
  }
  const waits = assert.rejects(system.jobs.takeJob({ trainerId: "a", waitSeconds: 60 }, { timeoutMs: 90_000 }), parked);
  for (const { id, attempt } of running) await spoil(system, id, "a", attempt);
  await waits;
});

test("jobs do not wait for a trainer that is parked, and say so", async () => {
  await using system = await startSystem({ presenceSeconds: 600 });
  await announce(system, "a");
  // Nobody else is there: each time it fails, and is tried again by hand.
  const { id } = await system.submit(recipeOf(1));
  for (let count = 1; count <= 3; count++) {
    const sentence = await spoil(system, id, "a");
    const { job } = await system.jobs.getJob({ id });
    assert.deepEqual([job?.state, job?.error], [JobState.FAILED, sentence]);
    await system.jobs.retryJob({ id });
  }
  const waitingFor = async () => (await system.jobs.getJob({ id })).job?.waitingFor ?? "";
  await waitFor(async () => (await waitingFor()) === "no trainer runs that is not parked", { what: "the job to say what it waits for" });
  await announce(system, "b");
  await waitFor(async () => (await waitingFor()) === "");
});

test("a job fails whose results were refused from three trainers", async () => {
  await using system = await startSystem({ presenceSeconds: 600 });
  await announce(system, "a", "b", "c", "d");
  const { id } = await system.submit(recipeOf(1));
  for (const trainer of ["a", "b"]) {
    await spoil(system, id, trainer);
    assert.equal((await system.jobs.getJob({ id })).job?.state, JobState.QUEUED);
  }
  const sentence = await spoil(system, id, "c");
  const { job } = await system.jobs.getJob({ id });
  assert.deepEqual([job?.state, job?.error], [JobState.FAILED, sentence]);
});
