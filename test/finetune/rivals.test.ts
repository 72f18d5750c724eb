import assert from "node:assert/strict";
import { test } from "node:test";
import { initialise, networkOf } from "#libs/networks";
import { arithmetics, type Digest, mediaTypes, type Recipe } from "#libs/recipes";
import { Code, isRpcError } from "#libs/rpc";
import { saveWeights } from "#libs/tensors";
import { waitFor } from "#libs/testing";
import { AttemptOutcome, JobState } from "#proto/ratatouille/v1/finetune_pb.ts";
import { recipeOf, reportStream, type System, startSystem } from "./system.ts";

const network = { name: "mlp", size: 4, options: { hidden: [2] } };
const engine = { name: "cpu", device: "cpu", arithmetics: [arithmetics.training], networks: [], builtInNetworks: true };

async function announce(system: System, ...ids: readonly string[]): Promise<void> {
  for (const id of ids) {
    const trainer = { id, name: `cook-${id}`, device: "cpu", engines: [engine], kinds: ["train"], memoryMib: 4096 };
    await system.jobs.announceTrainer({ trainer });
  }
}

function training(dataset: Digest, seed: number): Recipe {
  const parameters = {
    ...{ network, classes: 3, domains: ["a"], steps: 100, batch: 4, optimiser: { name: "adam", learningRate: 1e-3 } },
    transform: { training: "none/1", validation: "none/1" },
  };
  return { kind: "train", inputs: { dataset }, seed, arithmetic: arithmetics.training, parameters };
}

async function begin(system: System, jobId: string, trainerId: string) {
  const { attempt } = await system.jobs.beginAttempt({ jobId, trainer: `cook-${trainerId}`, trainerId });
  return { attempt, stream: reportStream(system.jobs, jobId, attempt) };
}

async function complete(system: System, jobId: string, attempt: number) {
  const file = saveWeights(initialise(networkOf("mlp", { ...network, classes: 3 }), attempt));
  const { digest, size } = await system.artifacts.upload(file, { mediaType: mediaTypes.weights });
  return (await system.jobs.completeAttempt({ jobId, attempt, outputs: [{ role: "weights", digest, sizeBytes: BigInt(size) }] })).job!;
}

/** A job that the slow trainer has, at its first step of 100, and the fast one too, since it has nothing else to do. */
async function startRace(system: System) {
  await announce(system, "slow", "fast");
  const dataset = await system.publish(recipeOf(1));
  const submit = async (seed: number) => (await system.submit(training(dataset, seed), { needs: { backend: "cpu" } })).id;
  // What makes it known as fast.
  const before = await submit(1);
  const first = await begin(system, before, "fast");
  await waitFor(async () => (await system.jobs.getJob({ id: before })).job?.progress?.steps === 100);
  await complete(system, before, first.attempt);
  const id = await submit(2);
  const slow = await begin(system, id, "slow");
  const taken = await system.jobs.takeJob({ trainerId: "fast", waitSeconds: 60 }, { timeoutMs: 90_000 });
  assert.equal(taken.jobId, id);
  return { id, slow, fast: await begin(system, id, "fast") };
}

const stale = (error: unknown) => isRpcError(error, Code.ABORTED, "ATTEMPT_STALE");
const outcomes = async (system: System, id: string) => (await system.jobs.getJob({ id })).job!.attempts.map(({ outcome }) => outcome);
const { UNSPECIFIED, OVERTAKEN, COMPLETED, RELEASED, LOST } = AttemptOutcome;

test("a job that runs on a slow trainer is begun by a fast one that waits, and the first result counts", async () => {
  await using system = await startSystem({ presenceSeconds: 600 });
  const { id, slow, fast } = await startRace(system);
  assert.deepEqual([slow.attempt, fast.attempt], [1, 2]);
  const { job: running } = await system.jobs.getJob({ id });
  assert.deepEqual([running?.state, running?.trainer, running?.attempt], [JobState.RUNNING, "cook-fast", 2]);
  assert.deepEqual(await outcomes(system, id), [UNSPECIFIED, UNSPECIFIED]);
  // It is shown with both.
  const { trainers } = await system.jobs.listTrainers({});
  assert.deepEqual(
    trainers.map(({ jobs }) => jobs.map((job) => job.id)),
    [[id], [id]],
  );
  await announce(system, "third");
  await assert.rejects(begin(system, id, "third"), (error) => isRpcError(error, Code.FAILED_PRECONDITION, "JOB_LEASED"));
  const done = await complete(system, id, fast.attempt);
  assert.equal(done.state, JobState.SUCCEEDED);
  await assert.rejects(slow.stream.ended, stale);
  await assert.rejects(complete(system, id, slow.attempt), stale);
  const { job } = await system.jobs.getJob({ id });
  assert.equal(job?.artifact, done.artifact);
  assert.deepEqual(await outcomes(system, id), [OVERTAKEN, COMPLETED]);
});

test("the slow one may be first after all", async () => {
  await using system = await startSystem({ presenceSeconds: 600 });
  const { id, slow, fast } = await startRace(system);
  assert.equal((await complete(system, id, slow.attempt)).state, JobState.SUCCEEDED);
  await assert.rejects(fast.stream.ended, stale);
  assert.deepEqual(await outcomes(system, id), [COMPLETED, OVERTAKEN]);
});

test("where the second one leaves or is lost the first goes on, also after a restart of the service", async () => {
  await using system = await startSystem({ presenceSeconds: 600, leaseSeconds: 600, orphanGraceMs: 60_000 });
  const { id, slow, fast } = await startRace(system);
  await system.jobs.releaseAttempt({ jobId: id, attempt: fast.attempt });
  await assert.rejects(fast.stream.ended, stale);
  const { job } = await system.jobs.getJob({ id });
  assert.deepEqual([job?.state, job?.trainer], [JobState.RUNNING, "cook-slow"]);
  assert.deepEqual(await outcomes(system, id), [UNSPECIFIED, RELEASED]);
  // Nobody has anything else to do, so it is begun once more.
  assert.equal((await system.jobs.takeJob({ trainerId: "fast", waitSeconds: 60 }, { timeoutMs: 90_000 })).jobId, id);
  const again = await begin(system, id, "fast");
  again.stream.report();
  await waitFor(async () => (await system.jobs.getJob({ id })).job?.progress?.step === 2, { what: "a report of the second attempt" });
  again.stream.break();
  await waitFor(async () => (await outcomes(system, id))[2] === LOST, { what: "the second attempt to be lost" });
  await system.restart();
  const { attempt } = slow;
  const stream = reportStream(system.jobs, id, attempt);
  assert.equal((await complete(system, id, attempt)).state, JobState.SUCCEEDED);
  assert.deepEqual(await outcomes(system, id), [COMPLETED, RELEASED, LOST]);
  await assert.rejects(stream.ended, stale);
});

test("cancelling a job ends both attempts", async () => {
  await using system = await startSystem({ presenceSeconds: 600 });
  const { id, slow, fast } = await startRace(system);
  await system.jobs.cancelJob({ id, reason: "enough" });
  for (const { stream } of [slow, fast]) await assert.rejects(stream.ended, (error) => isRpcError(error, Code.CANCELLED, "JOB_CANCELLED"));
  assert.deepEqual(await outcomes(system, id), [AttemptOutcome.CANCELLED, AttemptOutcome.CANCELLED]);
});
