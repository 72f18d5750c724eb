import assert from "node:assert/strict";
import { test } from "node:test";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { arithmetics, canonicalRecipe, digestOf } from "#libs/recipes";
import { Code, isRpcError } from "#libs/rpc";
import { waitFor } from "#libs/testing";
import { JobState, type TrainerSchema } from "#proto/ratatouille/v1/finetune_pb.ts";
import { recipeOf, type System, startSystem } from "./system.ts";

type Announced = Extract<MessageInitShape<typeof TrainerSchema>, { $typeName?: never }>;

const engine = { name: "cpu", device: "cpu", arithmetics: [arithmetics.cpu], networks: [], builtInNetworks: true };

function trainer(id: string, changes: Partial<Announced> = {}): Announced {
  return { id, name: id, device: "cpu", engines: [engine], kinds: ["dataset", "pretrain"], memoryMib: 4096, ...changes };
}

/** Announces again and again, as a trainer's thread does, until it is disposed of. */
function present(system: System, announced: Announced) {
  const announce = () => system.jobs.announceTrainer({ trainer: announced }).catch(() => undefined);
  void announce();
  const timer = setInterval(announce, 100);
  return {
    async leave() {
      clearInterval(timer);
      await system.jobs.announceTrainer({ trainer: announced, leaves: true });
    },
    [Symbol.dispose]: () => clearInterval(timer),
  };
}

const refused = (code: Code, reason?: string, field?: string) => (error: unknown) => {
  assert.ok(isRpcError(error, code, reason), String(error));
  if (field !== undefined) assert.equal(error.violations[0]?.field, field);
  return true;
};

test("trainers are listed with what they are and what they run, until they leave or say nothing", async () => {
  await using system = await startSystem({ presenceSeconds: 1 });
  const { jobs } = system;
  const names = async () => (await jobs.listTrainers({})).trainers.map(({ name }) => name);
  assert.deepEqual(await names(), []);
  const accelerator = { model: "NVIDIA H200", memoryMib: 143_000 };
  const gpu = trainer("b", {
    name: "gpu",
    device: "gpu",
    accelerator,
    environment: { driver: "560.1" },
    engines: [{ ...engine, name: "tfjs-node-gpu", device: "gpu" }],
  });
  using silent = present(system, trainer("a", { name: "cook-10" }));
  using _busy = present(system, trainer("c", { name: "cook-2" }));
  const leaving = present(system, gpu);
  await waitFor(async () => (await names()).length === 3);
  assert.deepEqual(await names(), ["cook-2", "cook-10", "gpu"]);
  const shown = (await jobs.getTrainer({ name: "gpu" })).trainer!;
  assert.deepEqual(
    [shown.accelerator?.model, shown.accelerator?.memoryMib, shown.environment],
    [accelerator.model, 143_000, gpu.environment],
  );
  assert.ok(shown.sinceMs > 0n);
  const { id } = await system.submit(recipeOf(1), { label: "data" });
  const environment = { runtime: "bun 1", os: "Linux" };
  await jobs.beginAttempt({ jobId: id, trainer: "cook-2", trainerId: "c", environment });
  const busy = (await jobs.getTrainer({ name: "c" })).trainer!;
  assert.deepEqual(
    busy.jobs.map((job) => [job.id, job.label, job.recipe]),
    [[id, "data", ""]],
  );
  assert.deepEqual((await jobs.getJob({ id })).job?.attempts[0]?.environment, environment);
  await leaving.leave();
  assert.deepEqual(await names(), ["cook-2", "cook-10"]);
  silent[Symbol.dispose]();
  await waitFor(async () => (await names()).length === 1, { timeoutMs: 5000, what: "the silent trainer to be gone" });
  await assert.rejects(jobs.getTrainer({ name: "cook-10" }), refused(Code.NOT_FOUND, "TRAINER_UNKNOWN"));
});

test("trainers come in pages, and one of several of a name is named by its id", async () => {
  await using system = await startSystem();
  const { jobs } = system;
  for (const id of ["x", "y", "z"]) await jobs.announceTrainer({ trainer: trainer(id, { name: "cook" }) });
  const first = await jobs.listTrainers({ pageSize: 2 });
  const second = await jobs.listTrainers({ pageSize: 2, pageToken: first.nextPageToken });
  assert.deepEqual(
    [first, second].map(({ trainers }) => trainers.map(({ id }) => id)),
    [["x", "y"], ["z"]],
  );
  assert.equal(second.nextPageToken, "");
  await assert.rejects(jobs.getTrainer({ name: "cook" }), refused(Code.INVALID_ARGUMENT, "TRAINER_AMBIGUOUS", "name"));
  assert.equal((await jobs.getTrainer({ name: "y" })).trainer?.id, "y");
});

test("a job that no trainer can run says what is missing within ten seconds, and no more when one comes", async () => {
  await using system = await startSystem();
  const { jobs } = system;
  const needs = { backend: "cpu", network: "resnet18" };
  const recipe = canonicalRecipe({ ...recipeOf(1) });
  const { job } = await jobs.submitJob({ recipe, runId: "run-1", needs });
  const id = job!.id;
  assert.equal(job!.waitingFor, "");
  const stop = new AbortController();
  const told: string[] = [];
  const watching = (async () => {
    for await (const { jobs: changed } of jobs.watchJobs({ runId: "run-1" }, { timeoutMs: 0, signal: stop.signal }))
      for (const one of changed) if (told.at(-1) !== one.waitingFor) told.push(one.waitingFor);
  })().catch(() => undefined);
  const missing = async (text: string) => {
    await waitFor(() => told.at(-1) === text, { timeoutMs: 10_000, what: text || "a trainer that can run it" });
    assert.equal((await jobs.getJob({ id })).job?.waitingFor, text);
  };
  await missing("no trainer runs");
  // Training code of somebody's own makes no data sets.
  const own = present(system, trainer("own", { kinds: ["train", "predict"], engines: [{ ...engine, name: "own" }] }));
  await missing("no trainer runs recipes of kind dataset");
  own[Symbol.dispose]();
  using _small = present(system, trainer("small", { engines: [{ ...engine, builtInNetworks: false }] }));
  await missing("no trainer has the network resnet18");
  using _able = present(system, trainer("able"));
  await missing("");
  stop.abort();
  await watching;
  assert.deepEqual(told, ["", "no trainer runs", "no trainer runs recipes of kind dataset", "no trainer has the network resnet18", ""]);
});

test("a trainer is not given what it lacks: nothing counts, and the first that can run it is handed the job", async () => {
  await using system = await startSystem();
  const { jobs } = system;
  await jobs.announceTrainer({ trainer: trainer("small", { memoryMib: 2048 }) });
  const take = async (trainerId: string) => (await jobs.takeJob({ trainerId, waitSeconds: 1 })).jobId;
  // The queue of the bus in memory is there from the first time that somebody waits.
  assert.equal(await take("small"), "");
  const waiting = take("small");
  const { id } = await system.submit(recipeOf(1), { needs: { memoryMib: 3000 } });
  assert.equal(await waiting, "");
  const begin = (trainerId: string) => jobs.beginAttempt({ jobId: id, trainer: trainerId, trainerId });
  await assert.rejects(begin("small"), (error: unknown) => {
    refused(Code.FAILED_PRECONDITION, "JOB_UNFIT")(error);
    assert.match(String(error), /2\.9 GiB of memory \(the largest has 2 GiB\)/);
    return true;
  });
  const { job } = await jobs.getJob({ id });
  assert.deepEqual([job?.attempt, job?.error, job?.attempts.length], [0, "", 0]);
  await jobs.announceTrainer({ trainer: trainer("large") });
  assert.equal(await take("large"), id);
  assert.equal((await begin("large")).attempt, 1);
  assert.equal(system.offers.length, 1);
});

test("what a trainer cannot run goes to another one; where none is left it fails, with what the last one said", async () => {
  await using system = await startSystem();
  const { jobs } = system;
  const fail = (jobId: string, attempt: number) => jobs.failAttempt({ jobId, attempt, error: "the cache is full", elsewhere: true });
  const begin = async (jobId: string, trainerId: string) => (await jobs.beginAttempt({ jobId, trainer: trainerId, trainerId })).attempt;
  const { id } = await system.submit(recipeOf(1));
  // Of one that nobody knows the service cannot tell whether there are others: that counts as any failure.
  assert.equal((await fail(id, await begin(id, "silent"))).job?.state, JobState.QUEUED);
  await jobs.announceTrainer({ trainer: trainer("small") });
  await jobs.announceTrainer({ trainer: trainer("large") });
  await jobs.announceTrainer({ trainer: trainer("other", { memoryMib: 1 }) });
  assert.equal((await fail(id, await begin(id, "small"))).job?.state, JobState.QUEUED);
  await waitFor(() => system.offers.length === 3, { what: "another offer" });
  await assert.rejects(begin(id, "small"), refused(Code.FAILED_PRECONDITION, "JOB_UNFIT"));
  const last = await begin(id, "large");
  assert.equal(last, 3);
  await jobs.releaseAttempt({ jobId: id, attempt: last });
  await jobs.announceTrainer({ trainer: trainer("large"), leaves: true });
  const { job } = await fail(id, await begin(id, "small"));
  assert.deepEqual([job?.state, job?.error, job?.attempt], [JobState.FAILED, "the cache is full", 4]);
  // Tried again by hand, nothing is held against anybody.
  await jobs.retryJob({ id });
  assert.equal(await begin(id, "small"), 5);
});

test("a trainer that says nothing of itself is taken at its word", async () => {
  await using system = await startSystem();
  const { id } = await system.submit(recipeOf(1), { needs: { memoryMib: 1_000_000 } });
  assert.equal(await system.begin(id), 1);
});

test("wrong announcements are refused with the field", async () => {
  await using system = await startSystem();
  const cases: [string, Announced | undefined][] = [
    ["trainer", undefined],
    ["trainer.id", trainer("")],
    ["trainer.name", trainer("a", { name: "a\nb" })],
    ["trainer.device", trainer("a", { device: "abacus" })],
    ["trainer.engines", trainer("a", { engines: [] })],
    ["trainer.engines[0].device", trainer("a", { engines: [{ ...engine, device: "tpu" }] })],
    ["trainer.engines[0].networks[0]", trainer("a", { engines: [{ ...engine, networks: [""] }] })],
    ["trainer.kinds[0]", trainer("a", { kinds: ["x".repeat(300)] })],
    ["trainer.accelerator.model", trainer("a", { accelerator: { model: "", memoryMib: 1 } })],
    ['trainer.environment["os"]', trainer("a", { environment: { os: "x".repeat(501) } })],
  ];
  for (const [field, announced] of cases)
    await assert.rejects(
      system.jobs.announceTrainer(announced ? { trainer: announced } : {}),
      refused(Code.INVALID_ARGUMENT, undefined, field),
      field,
    );
  assert.deepEqual((await system.jobs.listTrainers({})).trainers, []);
});

test("a job whose input is gone fails after three attempts, and says which", async () => {
  await using system = await startSystem();
  const gone = digestOf("gone");
  const parameters = { generator: "rotated-digits/1", domain: 0, domains: 1, degrees: 0 };
  const { id } = await system.submit({ kind: "dataset", inputs: { source: gone }, seed: 1, parameters });
  for (let attempt = 1; attempt <= 3; attempt++) await assert.rejects(system.begin(id), refused(Code.FAILED_PRECONDITION, "INPUT_MISSING"));
  const { job } = await system.jobs.getJob({ id });
  assert.match(job!.error, new RegExp(`an input is not there: .*${gone}`));
  await assert.rejects(system.begin(id), refused(Code.FAILED_PRECONDITION, "JOB_DONE"));
});

test("a job of engines on a processor and on a GPU is for trainers of both", async () => {
  await using system = await startSystem();
  const { jobs } = system;
  const needs = { backends: ["torch-gpu", "cpu"], network: "mlp", memoryMib: 600, acceleratorMemoryMib: 900 };
  const { job } = await jobs.submitJob({ recipe: canonicalRecipe(recipeOf(1)), runId: "run-1", needs });
  const begin = (trainerId: string) => jobs.beginAttempt({ jobId: job!.id, trainer: trainerId, trainerId });
  const gpu = { ...engine, name: "torch-gpu", device: "gpu" };
  using _small = present(system, trainer("small", { device: "gpu", engines: [gpu], accelerator: { model: "GPU", memoryMib: 500 } }));
  using _large = present(system, trainer("large", { device: "gpu", engines: [gpu], accelerator: { model: "GPU", memoryMib: 4000 } }));
  using _cpu = present(system, trainer("cpu"));
  await waitFor(async () => (await jobs.listTrainers({})).trainers.length === 3, { what: "the trainers to be there" });
  await assert.rejects(begin("small"), refused(Code.FAILED_PRECONDITION, "JOB_UNFIT"));
  for (const [name, backend] of [
    ["large", "torch-gpu"],
    ["cpu", "cpu"],
  ] as const) {
    const begun = await begin(name);
    assert.equal(begun.job?.needs?.backend, backend);
    await jobs.releaseAttempt({ jobId: job!.id, attempt: begun.attempt });
  }
});
