import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import { test } from "node:test";
import { arithmetics, digestOf } from "#libs/recipes";
import { connect, failedPrecondition, implement, invalidField, serve } from "#libs/rpc";
import { usageHere } from "#libs/service";
import { createLogger } from "#libs/telemetry";
import { writeSafetensors } from "#libs/tensors";
import { temporaryDirectory, waitFor } from "#libs/testing";
import { FinetuneService, JobState } from "#proto/ratatouille/v1/finetune_pb.ts";
import { type Announced, startHeartbeat } from "../../services/trainer/heartbeat.ts";
import { kindsRun } from "../../services/trainer/run-recipe.ts";
import { takeWork, type Worker } from "../../services/trainer/take-work.ts";
import { createUploads } from "../../services/trainer/uploads.ts";
import { createWorkshop } from "../../services/trainer/workshop.ts";
import { importPictures } from "./pictures.ts";
import { drawn } from "./recipes.ts";
import { type System, startSystem, startTrainer } from "./system.ts";

/** A trainer of this process. */
function describe(id: string, changes: Partial<Announced> = {}): Announced {
  const engine = { name: "cpu", device: "cpu", arithmetics: [arithmetics.cpu], networks: [] };
  return {
    id,
    name: id,
    device: "cpu",
    engines: [engine],
    kinds: [...kindsRun],
    memoryMib: 1024,
    environment: { runtime: "test" },
    ...changes,
  };
}

/** Takes work until it is disposed of. */
async function work(system: System, trainer: Announced, changes: Partial<Worker> = {}) {
  await using opening = new AsyncDisposableStack();
  const channel = opening.use(connect(system.address));
  const { artifacts } = system;
  const log = createLogger({ service: "test", level: "silent" });
  const setup = { address: system.address, options: {} };
  const heartbeat = opening.use(startHeartbeat(setup, log));
  const uploads = opening.use(createUploads(setup, artifacts));
  await heartbeat.announce(trainer);
  const finetune = channel.client(FinetuneService);
  const directory = opening.use(await temporaryDirectory());
  const workshop = opening.use(createWorkshop({ artifacts, cacheBytes: 0, diskBytes: 2 ** 30, directory: directory.join("cache") }));
  const stop = new AbortController();
  const working = takeWork(
    { finetune, artifacts, workshop, uploads, heartbeat, log, usage: usageHere, trainer, checkpointMs: 5000, ...changes },
    stop.signal,
  );
  opening.defer(async () => {
    stop.abort();
    await working;
  });
  return opening.move();
}

test("a trainer begins the next job while it publishes the result of one, and no third", async () => {
  await using directory = await temporaryDirectory();
  await using system = await startSystem(directory.path);
  const { artifacts } = system;
  const gate = Promise.withResolvers<void>();
  let published = 0;
  const slow = {
    ...artifacts,
    async publish(...args: Parameters<typeof artifacts.publish>) {
      await gate.promise;
      published += 1;
      return artifacts.publish(...args);
    },
  };
  await using _worker = await work(system, describe("t"), { artifacts: slow });
  const ids: string[] = [];
  for (const seed of [1, 2, 3]) ids.push((await system.submit({ ...drawn, seed })).id);
  const states = () => Promise.all(ids.map(async (id) => (await system.job(id)).state));
  const { RUNNING, QUEUED, SUCCEEDED } = JobState;
  await waitFor(async () => (await states())[1] === RUNNING, { what: "the second job to begin" });
  assert.deepEqual(await states(), [RUNNING, RUNNING, QUEUED]);
  assert.equal(published, 0);
  gate.resolve();
  await waitFor(async () => (await states()).every((state) => state === SUCCEEDED), { what: "the end of all" });
  for (const id of ids) assert.equal((await system.job(id)).attempt, 1);
  // What it ran on stays with the attempt.
  assert.deepEqual((await system.job(ids[0]!)).attempts[0]?.environment, { runtime: "test" });
});

test("what the catalog has lost when an attempt is completed is sent again", async () => {
  await using directory = await temporaryDirectory();
  await using system = await startSystem(directory.path);
  using channel = connect(system.address);
  const finetune = channel.client(FinetuneService);
  const digests: string[] = [];
  const losing = {
    ...finetune,
    async completeAttempt(...args: Parameters<typeof finetune.completeAttempt>) {
      const digest = args[0].outputs?.[0]?.digest ?? "";
      const hex = digest.slice("sha256:".length);
      if (digests.push(digest) === 1) await rm(directory.join("blobs", "sha256", hex.slice(0, 2), hex));
      return finetune.completeAttempt(...args);
    },
  };
  await using _worker = await work(system, describe("t"), { finetune: losing });
  const source = await importPictures(system.artifacts, 1);
  const { id } = await system.submit({ kind: "dataset", inputs: { source }, parameters: { generator: "image-shards/1" } });
  const { attempt } = await system.reached(id, JobState.SUCCEEDED);
  assert.deepEqual([attempt, digests.length, new Set(digests).size], [1, 2, 1]);
});

test("a job that only one of two trainers can run is never handed to the other one, and nothing counts against it", async () => {
  await using directory = await temporaryDirectory();
  await using system = await startSystem(directory.path);
  let asked = 0;
  using channel = connect(system.address);
  const finetune = channel.client(FinetuneService);
  const counted = {
    ...finetune,
    beginAttempt(...args: Parameters<typeof finetune.beginAttempt>) {
      asked += 1;
      return finetune.beginAttempt(...args);
    },
  };
  await using _small = await work(system, describe("small", { memoryMib: 1500 }), { finetune: counted });
  const { id } = await system.submit(drawn, { needs: { memoryMib: 2000 } });
  const fitting = await system.submit({ ...drawn, seed: 99 }, { needs: { memoryMib: 1400 } });
  await system.reached(fitting.id, JobState.SUCCEEDED);
  const waiting = await system.job(id);
  assert.deepEqual([waiting.attempt, waiting.attempts.length, waiting.state], [0, 0, JobState.QUEUED]);
  await using _large = await work(system, describe("large", { memoryMib: 4096 }));
  const job = await system.reached(id, JobState.SUCCEEDED);
  assert.deepEqual([job.trainer, job.attempt], ["large", 1]);
  assert.equal(asked, 1);
});

test("a trainer that speaks another version than the server, or says what it does not take, ends and says why", async () => {
  for (const [error, says] of [
    [
      failedPrecondition("contract: 1 is too old", { reason: "CONTRACT_UNKNOWN" }),
      /the server refuses this trainer: contract: 1 is too old/,
    ],
    [invalidField("trainer.name", "is taken"), /the server refuses this trainer: trainer\.name: is taken/],
  ] as const) {
    const announceTrainer = () => {
      throw error;
    };
    const takeJob = () => {
      throw failedPrecondition("nobody has announced itself", { reason: "TRAINER_UNKNOWN" });
    };
    const service = implement(FinetuneService, { announceTrainer, takeJob });
    await using server = await serve({ address: "127.0.0.1:0", services: [service], drainMs: 0 });
    await using trainer = startTrainer(server.address);
    assert.equal(await trainer.ended, 2);
    assert.match(trainer.output(), says);
  }
  await using server = await serve({
    address: "127.0.0.1:0",
    services: [implement(FinetuneService, { announceTrainer: () => ({}) })],
    drainMs: 0,
  });
  await using trainer = startTrainer(server.address);
  assert.equal(await trainer.ended, 2);
  assert.match(trainer.output(), /the server is of an older version, which hands no work over/);
});

test("a large state is sent by another thread, and its file is that of the state", async () => {
  await using directory = await temporaryDirectory();
  await using system = await startSystem(directory.path);
  await using uploads = createUploads({ address: system.address, options: {} }, system.artifacts);
  for (const numbers of [10, 2_000_000]) {
    const vector = Float32Array.from({ length: numbers }, (_, i) => i / 7);
    const tensors = ["b", "a"].map((name) => ({
      name,
      dtype: "F32" as const,
      shape: [numbers],
      data: new Uint8Array(vector.slice().buffer),
    }));
    const metadata = { format: "test/1" };
    const expected = digestOf(writeSafetensors(tensors, metadata));
    const state = { step: 1, format: "test/1", tensors, metadata };
    const { digest } = await uploads.save(state, new AbortController().signal);
    assert.equal(digest, expected);
    assert.equal(digestOf(await system.artifacts.download(digest)), expected);
  }
  // Of a state that nobody needs any more nobody waits.
  const late = { name: "a", dtype: "U8" as const, shape: [5 << 20], data: new Uint8Array(5 << 20) };
  const state = { step: 1, format: "test/1", tensors: [late], metadata: {} };
  await assert.rejects(uploads.save(state, AbortSignal.abort(new Error("the attempt is lost"))), /the attempt is lost/);
});
