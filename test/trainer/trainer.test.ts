import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { arithmetics, type Digest, layerOf, mediaTypes, type Recipe, readManifest } from "#libs/recipes";
import { connect } from "#libs/rpc";
import { deferred, startProxy, temporaryDirectory, waitFor } from "#libs/testing";
import { CatalogService } from "#proto/ratatouille/v1/catalog_pb.ts";
import { AttemptOutcome, JobState, type SaveCheckpointRequest } from "#proto/ratatouille/v1/finetune_pb.ts";
import { runHere } from "../e2e/here.ts";
import { drawn, longTraining, pretraining } from "./recipes.ts";
import { type System, startSystem, startTrainer } from "./system.ts";

type Trainer = ReturnType<typeof startTrainer>;

describe("a trainer", () => {
  const stack = new AsyncDisposableStack();
  // Too seldom for any other checkpoint than the last.
  const seldom = { RATATOUILLE_CHECKPOINT_MS: "3600000" };
  let system: System;
  let first: Trainer;
  let dataset: Digest;
  before(async () => {
    const directory = stack.use(await temporaryDirectory());
    system = stack.use(await startSystem(directory.path));
    first = stack.use(startTrainer(system.address, seldom));
    dataset = await system.make(drawn);
  });
  after(() => stack.disposeAsync());

  test("takes jobs from the queue and publishes what they make", async () => {
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
  });

  test("computes the digest of a reproduction and publishes nothing", async () => {
    const model = await system.make(pretraining(dataset));
    const { id } = await system.submit(pretraining(dataset), { runId: "reproduction-1", reproduce: true });
    const job = await system.reached(id, JobState.SUCCEEDED);
    assert.equal(job.artifact, model);
    assert.equal(job.attempt, 1);
  });

  test("stops a cancelled job at once, and takes the next one", async () => {
    const { id } = await system.submit(longTraining(dataset, 10_000_000), { runId: "run-to-cancel" });
    await system.trains(id);
    await system.jobs.cancelJobs({ runId: "run-to-cancel" });
    // Which takes it only when it has stopped: all of the steps would take minutes.
    await system.make(pretraining(dataset, { initSeed: 4 }));
    assert.equal((await system.job(id)).state, JobState.CANCELLED);
  });

  test("fails a job for good whose loss is not finite, with step and learning rate", async () => {
    const { id } = await system.submit(pretraining(dataset, { learningRate: 1e30 }));
    const job = await system.reached(id, JobState.FAILED);
    assert.match(job.error, /not finite at step \d+ with learning rate 1e\+30/);
    assert.equal(job.attempt, 1);
  });

  test("fails a recipe whose input is of the wrong kind, with the role", async () => {
    const { id } = await system.submit(pretraining(await system.make(pretraining(dataset))));
    assert.match((await system.reached(id, JobState.FAILED)).error, /inputs\.datasets: expected a dataset, got a model/);
  });

  test("shares the work with another one, and they make what one makes", async () => {
    await using other = startTrainer(system.address, { RATATOUILLE_TRAINER_NAME: "trainer-2" });
    await waitFor(() => other.output().includes("trainer ready"), { timeoutMs: 60_000, what: "the other trainer" });
    const seeds = [10, 11, 12, 13, 14, 15, 16, 17];
    const submitted = await Promise.all(seeds.map((initSeed) => system.submit(pretraining(dataset, { initSeed, steps: 250 }))));
    const jobs = await Promise.all(submitted.map(({ id }) => system.reached(id, JobState.SUCCEEDED)));
    assert.deepEqual([...new Set(jobs.map(({ trainer }) => trainer))].sort(), ["trainer-1", "trainer-2"]);
    assert.equal(new Set(jobs.map(({ artifact }) => artifact)).size, 8);
    assert.ok(jobs.every(({ attempt }) => attempt === 1));
  });

  test("that is asked to end leaves a checkpoint of where it is, and another one makes the same model from it", async () => {
    const recipe = longTraining(dataset, 500);
    const { id } = await system.submit(recipe);
    const reported = await system.trains(id);
    assert.equal(await first.kill("SIGTERM"), 0, first.output());
    assert.equal((await system.job(id)).state, JobState.QUEUED);
    const unusable = await withUnusableCheckpoints(system, pretraining(dataset, { initSeed: 5 }));
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

test("a trainer killed in mid-training costs what came after the last checkpoint, long before its lease ends, and the model is the same", async () => {
  await using directory = await temporaryDirectory();
  const saved = deferred<number>();
  const onCheckpoint = async ({ jobId, step }: SaveCheckpointRequest) => {
    // One that has not opened its stream is missed only when its lease ends.
    await waitFor(async () => (await system.job(jobId)).progress, { what: "the stream of its reports" });
    await first.kill("SIGKILL");
    saved.resolve(step);
  };
  await using system = await startSystem(directory.path, { onCheckpoint, leaseSeconds: 600 });
  const fast = { RATATOUILLE_CHECKPOINT_MS: "1" };
  await using first = startTrainer(system.address, fast);
  const recipe = pretraining(await system.make(drawn), { steps: 300 });
  const { id } = await system.submit(recipe);
  const step = await saved.promise;
  await using second = startTrainer(system.address, { ...fast, RATATOUILLE_TRAINER_NAME: "trainer-2" });
  const job = await system.reached(id, JobState.SUCCEEDED);
  assert.deepEqual([job.attempt, job.trainer, job.attempts[1]?.fromStep], [2, "trainer-2", step], second.output());
  // Nothing is disturbed here.
  const again = await system.submit(recipe, { runId: "reproduction-1", reproduce: true });
  const reproduced = await system.reached(again.id, JobState.SUCCEEDED);
  assert.deepEqual([reproduced.artifact, reproduced.attempts[0]?.fromStep], [job.artifact, 0]);
  assert.equal(await second.kill("SIGINT"), 0, second.output());
});

describe("a trainer on a bad line", () => {
  const stack = new AsyncDisposableStack();
  let system: System;
  let proxy: Awaited<ReturnType<typeof startProxy>>;
  let trainer: Trainer;
  let dataset: Digest;
  before(async () => {
    const directory = stack.use(await temporaryDirectory());
    system = stack.use(await startSystem(directory.path));
    proxy = stack.use(await startProxy(system.address));
    trainer = stack.use(startTrainer(proxy.address, { RATATOUILLE_CHECKPOINT_MS: "60000" }));
    dataset = await system.make(drawn);
  });
  after(() => stack.disposeAsync());

  test("completes the same attempt when its connections are cut", async () => {
    const { id } = await system.submit(longTraining(dataset, 500));
    await system.trains(id);
    assert.ok(proxy.cut() >= 2);
    const job = await system.reached(id, JobState.SUCCEEDED);
    assert.deepEqual([job.attempt, job.error], [1, ""]);
  });

  test("finds no server, and goes on when it is there again, and nothing counts against its job", async () => {
    const { id } = await system.submit(longTraining(dataset, 501));
    await system.trains(id);
    proxy.open = false;
    // Longer than the training takes: its end finds nobody to tell.
    await waitFor(async () => (await system.job(id)).state === JobState.QUEUED, { what: "the end of the lease", intervalMs: 500 });
    proxy.open = true;
    const job = await system.reached(id, JobState.SUCCEEDED);
    assert.equal(job.error, "");
  });

  test("keeps its attempt however often it is cut off, and ends when it is asked to while nobody is there", async () => {
    const { id } = await system.submit(longTraining(dataset, 10_000_000));
    let step = await system.trains(id);
    for (let cuts = 0; cuts < 2; cuts++) {
      assert.ok(proxy.cut() >= 2);
      step = await system.trains(id, step);
    }
    const { attempt, attempts } = await system.job(id);
    assert.deepEqual([attempt, attempts.length], [1, 1]);
    proxy.open = false;
    assert.equal(await trainer.kill("SIGTERM"), 0, trainer.output());
  });
});

describe("a trainer with a short lease", () => {
  const stack = new AsyncDisposableStack();
  let system: System;
  let dataset: Digest;
  let stopped: Trainer;
  before(async () => {
    const directory = stack.use(await temporaryDirectory());
    system = stack.use(await startSystem(directory.path, { leaseSeconds: 2 }));
    stopped = stack.use(startTrainer(system.address, { RATATOUILLE_CHECKPOINT_MS: "500" }));
    dataset = await system.make(drawn);
  });
  after(() => stack.disposeAsync());

  test("keeps its job in a step that takes longer, and leaves it no turn to report", async () => {
    const { parameters, ...rest } = pretraining(dataset, { steps: 1, batch: 1024, validateEvery: 0, validationFraction: 0, keep: "last" });
    const recipe = { ...rest, arithmetic: arithmetics.cpu, parameters: { ...parameters, hidden: [512, 512] } };
    const submitted = await system.submit(recipe);
    const before = performance.now();
    const job = await system.reached(submitted.id, JobState.SUCCEEDED);
    assert.equal(job.attempt, 1, stopped.output());
    assert.ok(performance.now() - before > 2_000, "it did not take long enough");
  });

  test("finds out when it stood still for longer and goes on, and changes nothing", async () => {
    const recipe = longTraining(dataset, 500);
    const { id } = await system.submit(recipe);
    await system.trains(id);
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
});

test("wrong configuration of a trainer is one sentence and exit code 2", async () => {
  const env = { RATATOUILLE_SERVER: "not an address", RATATOUILLE_DEVICE: "gpu:0", RATATOUILLE_MEMORY_MIB: "12" };
  const { code, stderr } = await runHere(["trainer"], { env });
  assert.equal(code, 2);
  assert.match(stderr, /RATATOUILLE_SERVER must be an address like/);
  assert.match(stderr, /RATATOUILLE_DEVICE must be auto, cpu or gpu, not "gpu:0"/);
  assert.match(stderr, /RATATOUILLE_MEMORY_MIB must be a whole number from 1024/);
  assert.doesNotMatch(stderr, / at /);
});
