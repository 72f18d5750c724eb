import assert from "node:assert/strict";
import { test } from "node:test";
import { arithmetics, layerOf, mediaTypes, type Recipe, readManifest } from "#libs/recipes";
import { connect } from "#libs/rpc";
import { deferred, startProxy, temporaryDirectory, waitFor } from "#libs/testing";
import { CatalogService } from "#proto/ratatouille/v1/catalog_pb.ts";
import { AttemptOutcome, JobState, type SaveCheckpointRequest } from "#proto/ratatouille/v1/finetune_pb.ts";
import { drawn, longTraining, pretraining } from "./recipes.ts";
import { type System, startSystem, startTrainer } from "./system.ts";

test("a trainer takes jobs from the queue and publishes what they make", async () => {
  await using directory = await temporaryDirectory();
  await using system = await startSystem(directory.path);
  await using trainer = startTrainer(system.address);
  const dataset = await system.make(drawn);
  const submitted = await system.submit(pretraining(dataset));
  const job = await system.reached(submitted.id, JobState.SUCCEEDED);
  assert.equal(job.trainer, "trainer-1");
  assert.equal(job.attempt, 1);
  assert.ok(job.cpuMs > 0n);
  const manifest = readManifest((await system.artifacts.get(job.artifact)).manifest);
  assert.deepEqual(manifest.recipe, pretraining(dataset));
  assert.equal(manifest.summary["steps"], 60);
  const curve = JSON.parse(new TextDecoder().decode(await system.artifacts.download(layerOf(manifest, mediaTypes.document).digest)));
  assert.equal(curve.validation.length, 3);
  assert.equal(await trainer.kill("SIGTERM"), 0, trainer.output());
});

test("a trainer killed in mid-training costs what came after the last checkpoint, and the model is the same", async () => {
  await using directory = await temporaryDirectory();
  await using elsewhere = await temporaryDirectory();
  const saved = deferred<number>();
  const onCheckpoint = async ({ step }: SaveCheckpointRequest) => {
    await first.kill("SIGKILL");
    saved.resolve(step);
  };
  await using system = await startSystem(directory.path, { onCheckpoint, leaseSeconds: 10 });
  await using undisturbed = await startSystem(elsewhere.path);
  const fast = { RATATOUILLE_CHECKPOINT_MS: "10" };
  await using other = startTrainer(undisturbed.address);
  await using first = startTrainer(system.address, fast);
  const dataset = await undisturbed.make(drawn);
  const recipe = longTraining(dataset, 300);
  const expected = undisturbed.make(recipe);
  assert.equal(await system.make(drawn), dataset);
  const { id } = await system.submit(recipe);
  const step = await saved.promise;
  await using second = startTrainer(system.address, fast);
  const job = await system.reached(id, JobState.SUCCEEDED);
  assert.equal(job.artifact, await expected);
  assert.deepEqual([job.attempt, job.attempts[1]?.fromStep], [2, step], second.output());
  assert.equal(await other.kill("SIGINT"), 0, other.output());
});

test("a cancelled job stops at once, and the trainer takes the next one", async () => {
  await using directory = await temporaryDirectory();
  await using system = await startSystem(directory.path);
  await using _trainer = startTrainer(system.address);
  const dataset = await system.make(drawn);
  const { id } = await system.submit(longTraining(dataset, 10_000_000), { runId: "run-to-cancel" });
  await waitFor(async () => ((await system.job(id)).progress?.step ?? 0) > 0, { timeoutMs: 30_000, what: "progress" });
  await system.jobs.cancelJobs({ runId: "run-to-cancel" });
  // Which takes it only when it has stopped: all of the steps would take minutes.
  await system.make(pretraining(dataset));
  assert.equal((await system.job(id)).state, JobState.CANCELLED);
});

test("a trainer that is asked to end leaves a checkpoint of where it is, and another one makes the same model from it", async () => {
  await using directory = await temporaryDirectory();
  await using system = await startSystem(directory.path);
  // Too seldom for any other checkpoint than the last.
  const seldom = { RATATOUILLE_CHECKPOINT_MS: "3600000" };
  await using first = startTrainer(system.address, seldom);
  const dataset = await system.make(drawn);
  const recipe = longTraining(dataset, 500);
  const { id } = await system.submit(recipe);
  const reported = await waitFor(async () => (await system.job(id)).progress?.step ?? 0, { timeoutMs: 30_000, what: "progress" });
  assert.equal(await first.kill("SIGTERM"), 0, first.output());
  assert.equal((await system.job(id)).state, JobState.QUEUED);
  const unusable = await withUnusableCheckpoints(system, pretraining(dataset));
  await using second = startTrainer(system.address, { ...seldom, RATATOUILLE_TRAINER_NAME: "trainer-2" });
  const job = await system.reached(id, JobState.SUCCEEDED);
  const { RELEASED, COMPLETED } = AttemptOutcome;
  assert.deepEqual(
    job.attempts.map(({ number, trainer, outcome, error }) => [number, trainer, outcome, error]),
    [
      [1, "trainer-1", RELEASED, ""],
      [2, "trainer-2", COMPLETED, ""],
    ],
  );
  assert.ok(job.attempts[1]!.fromStep >= reported, `the second attempt began at ${job.attempts[1]?.fromStep}`);
  assert.match(second.output(), /the training goes on at a checkpoint/);
  const last = (await system.reached(unusable, JobState.SUCCEEDED)).attempts.at(-1);
  assert.deepEqual([last?.trainer, last?.fromStep], ["trainer-2", 0]);
  assert.match(last?.skipped ?? "", /no blob sha256:.*; the checkpoint is of format other\/1/);
  assert.match(second.output(), /the training does not go on at its newest checkpoint/);
  // Nothing was disturbed here.
  const again = await system.submit(recipe, { runId: "reproduction-1", reproduce: true });
  const reproduced = await system.reached(again.id, JobState.SUCCEEDED);
  assert.deepEqual([reproduced.artifact, reproduced.attempts.length], [job.artifact, 1]);
});

/** A job of which the catalog has lost the newest checkpoint, and no trainer knows the form of the one before. */
async function withUnusableCheckpoints({ address, jobs, artifacts, submit }: System, recipe: Recipe): Promise<string> {
  await using channel = connect(address);
  const { id: jobId } = await submit(recipe);
  const { attempt } = await jobs.beginAttempt({ jobId, trainer: "of another version" });
  const save = async (step: number) => {
    const { digest } = await artifacts.upload(Uint8Array.of(step), { mediaType: mediaTypes.sourceLayer });
    await jobs.saveCheckpoint({ jobId, attempt, checkpoint: digest, step, format: "other/1" });
    return digest;
  };
  await save(5);
  await channel.client(CatalogService).unpin({ holder: `job/${jobId}`, digests: [await save(6)], discard: true });
  await jobs.releaseAttempt({ jobId, attempt });
  return jobId;
}

test("a trainer that is asked to end while nobody is there ends all the same", async () => {
  await using directory = await temporaryDirectory();
  await using system = await startSystem(directory.path);
  await using proxy = await startProxy(system.address);
  await using trainer = startTrainer(proxy.address);
  const { id } = await system.submit(longTraining(await system.make(drawn), 10_000_000));
  await waitFor(async () => ((await system.job(id)).progress?.step ?? 0) > 0, { timeoutMs: 30_000, what: "progress" });
  proxy.open = false;
  assert.equal(await trainer.kill("SIGTERM"), 0, trainer.output());
});

test("a trainer that stands still for longer than its lease finds out when it goes on, and changes nothing", async () => {
  await using directory = await temporaryDirectory();
  await using system = await startSystem(directory.path, { leaseSeconds: 2 });
  await using stopped = startTrainer(system.address, { RATATOUILLE_CHECKPOINT_MS: "100" });
  const recipe = longTraining(await system.make(drawn), 600);
  const { id } = await system.submit(recipe);
  await waitFor(async () => (await system.job(id)).progress?.step, { timeoutMs: 30_000, what: "progress" });
  void stopped.kill("SIGSTOP");
  await waitFor(async () => (await system.job(id)).state === JobState.QUEUED, { what: "the end of the lease" });
  const [lost] = (await system.job(id)).attempts;
  assert.deepEqual([lost?.outcome, lost?.error], [AttemptOutcome.LOST, "said nothing for 2 s"]);
  await using _second = startTrainer(system.address, { RATATOUILLE_TRAINER_NAME: "trainer-2" });
  await waitFor(async () => (await system.job(id)).attempt === 2, { timeoutMs: 30_000, what: "the second attempt" });
  void stopped.kill("SIGCONT");
  await waitFor(() => stopped.output().includes("attempt given up"), { what: "the first trainer to find out" });
  const job = await system.reached(id, JobState.SUCCEEDED);
  assert.deepEqual([job.trainer, job.attempt], ["trainer-2", 2]);
  // The trainer that was fenced off works on, and makes the same from the start.
  const again = await system.submit(recipe, { runId: "reproduction-1", reproduce: true });
  assert.equal((await system.reached(again.id, JobState.SUCCEEDED)).artifact, job.artifact);
  assert.equal(await stopped.kill("SIGTERM"), 0, stopped.output());
});

test("a training goes on with the same attempt when its connections are cut, again and again", async () => {
  await using directory = await temporaryDirectory();
  await using system = await startSystem(directory.path);
  await using proxy = await startProxy(system.address);
  await using _trainer = startTrainer(proxy.address, { RATATOUILLE_CHECKPOINT_MS: "60000" });
  const { id } = await system.submit(longTraining(await system.make(drawn), 2000));
  const stepOf = async () => (await system.job(id)).progress?.step ?? 0;
  let step = await waitFor(stepOf, { timeoutMs: 30_000, what: "progress" });
  for (let cuts = 0; cuts < 2; cuts++) {
    assert.ok(proxy.cut() >= 2);
    const before = step;
    step = await waitFor(async () => (await stepOf()) > before && stepOf(), { what: "progress after a cut" });
  }
  const job = await system.reached(id, JobState.SUCCEEDED);
  assert.deepEqual([job.attempt, job.error], [1, ""]);
});

test("the job of a trainer that is killed is in other hands long before its lease ends", async () => {
  await using directory = await temporaryDirectory();
  await using system = await startSystem(directory.path, { leaseSeconds: 600 });
  await using first = startTrainer(system.address);
  const { id } = await system.submit(longTraining(await system.make(drawn), 10_000_000));
  await waitFor(async () => ((await system.job(id)).progress?.step ?? 0) > 0, { timeoutMs: 30_000, what: "progress" });
  await using second = startTrainer(system.address, { RATATOUILLE_TRAINER_NAME: "trainer-2" });
  await waitFor(() => second.output().includes("trainer ready"), { timeoutMs: 30_000, what: "the second trainer" });
  await first.kill("SIGKILL");
  await waitFor(async () => (await system.job(id)).trainer === "trainer-2", {
    timeoutMs: 60_000,
    what: "the second trainer to have the job",
  });
});

test("a trainer that finds no server goes on when it is there again, and nothing counts against its job", async () => {
  await using directory = await temporaryDirectory();
  await using system = await startSystem(directory.path);
  await using proxy = await startProxy(system.address);
  await using _trainer = startTrainer(proxy.address);
  const dataset = await system.make(drawn);
  const { id } = await system.submit(longTraining(dataset, 700));
  await waitFor(async () => ((await system.job(id)).progress?.step ?? 0) > 0, { timeoutMs: 30_000, what: "progress" });
  proxy.open = false;
  // Longer than the training takes: its end finds nobody to tell.
  await waitFor(async () => (await system.job(id)).state === JobState.QUEUED, { what: "the end of the lease" });
  proxy.open = true;
  const job = await system.reached(id, JobState.SUCCEEDED);
  assert.equal(job.error, "");
});

test("a loss that is not finite fails the job for good, with step and learning rate", async () => {
  await using directory = await temporaryDirectory();
  await using system = await startSystem(directory.path);
  await using _trainer = startTrainer(system.address);
  const dataset = await system.make(drawn);
  const { id } = await system.submit(pretraining(dataset, { learningRate: 1e30 }));
  const job = await system.reached(id, JobState.FAILED);
  assert.match(job.error, /not finite at step \d+ with learning rate 1e\+30/);
  assert.equal(job.attempt, 1);
});

test("a recipe whose input is of the wrong kind fails with the role", async () => {
  await using directory = await temporaryDirectory();
  await using system = await startSystem(directory.path);
  await using _trainer = startTrainer(system.address);
  const dataset = await system.make(drawn);
  const model = await system.make(pretraining(dataset));
  const { id } = await system.submit(pretraining(model));
  assert.match((await system.reached(id, JobState.FAILED)).error, /inputs\.datasets: expected a dataset, got a model/);
});

test("a reproduction computes the digest and publishes nothing", async () => {
  await using directory = await temporaryDirectory();
  await using system = await startSystem(directory.path);
  await using _trainer = startTrainer(system.address);
  const dataset = await system.make(drawn);
  const model = await system.make(pretraining(dataset));
  const { id } = await system.submit(pretraining(dataset), { runId: "reproduction-1", reproduce: true });
  const job = await system.reached(id, JobState.SUCCEEDED);
  assert.equal(job.artifact, model);
  assert.equal(job.attempt, 1);
});

test("two trainers share the work, and make what one makes", async () => {
  await using directory = await temporaryDirectory();
  await using system = await startSystem(directory.path);
  await using one = startTrainer(system.address);
  await using two = startTrainer(system.address, { RATATOUILLE_TRAINER_NAME: "trainer-2" });
  const dataset = await system.make(drawn);
  const ready = () => [one, two].every((trainer) => trainer.output().includes("trainer ready"));
  await waitFor(ready, { timeoutMs: 60_000, what: "both trainers" });
  const seeds = [0, 1, 2, 3, 4, 5, 6, 7];
  const submitted = await Promise.all(seeds.map((initSeed) => system.submit(pretraining(dataset, { initSeed, steps: 500 }))));
  const jobs = await Promise.all(submitted.map(({ id }) => system.reached(id, JobState.SUCCEEDED)));
  assert.deepEqual([...new Set(jobs.map(({ trainer }) => trainer))].sort(), ["trainer-1", "trainer-2"]);
  assert.equal(new Set(jobs.map(({ artifact }) => artifact)).size, 8);
  assert.ok(jobs.every(({ attempt }) => attempt === 1));
});

test("a device that there is no backend for is one sentence and exit code 2", async () => {
  await using trainer = startTrainer("127.0.0.1:1", { RATATOUILLE_DEVICE: "gpu:0", RATATOUILLE_MEMORY_MIB: "12" });
  assert.equal(await trainer.ended, 2);
  assert.match(trainer.output(), /RATATOUILLE_DEVICE must be auto, cpu or gpu, not "gpu:0"/);
  assert.match(trainer.output(), /RATATOUILLE_MEMORY_MIB must be a whole number from 1024/);
});

test("wrong configuration is one sentence and exit code 2", async () => {
  await using nameless = startTrainer("not an address");
  assert.equal(await nameless.ended, 2);
  assert.match(nameless.output(), /RATATOUILLE_SERVER must be an address like/);
  assert.doesNotMatch(nameless.output(), / at /);
});

test("a step that takes longer than the lease, and leaves the trainer no turn to report, does not cost the job", async () => {
  await using directory = await temporaryDirectory();
  await using system = await startSystem(directory.path, { leaseSeconds: 2 });
  await using trainer = startTrainer(system.address);
  const dataset = await system.make(drawn);
  const { parameters, ...rest } = pretraining(dataset, { steps: 1, batch: 1024, validateEvery: 0, validationFraction: 0, keep: "last" });
  const recipe = { ...rest, arithmetic: arithmetics.cpu, parameters: { ...parameters, hidden: [512, 512] } };
  const submitted = await system.submit(recipe);
  const before = performance.now();
  const job = await system.reached(submitted.id, JobState.SUCCEEDED);
  assert.equal(job.attempt, 1, trainer.output());
  assert.ok(performance.now() - before > 2_000, "it did not take long enough");
});
