import assert from "node:assert/strict";
import { after, test } from "node:test";
import fc from "fast-check";
import { arithmetics } from "#libs/recipes";
import { Code, isRpcError } from "#libs/rpc";
import { waitFor } from "#libs/testing";
import { runStarted } from "#libs/topics";
import { OnFailure, RunState } from "#proto/ratatouille/v1/recycling_pb.ts";
import { openRunStore } from "./runs/store.ts";
import { specifications } from "./testing/arbitraries.ts";
import { exampleStudy } from "./testing/plans.ts";
import { startSystem, type TestSystem } from "./testing/system.ts";

const isReason = (reason: string) => (error: unknown) => isRpcError(error) && error.reason === reason;
const stateOf = async ({ recycling }: TestSystem, id: string) => (await recycling.getRun({ id })).run?.state;
const queued = (system: TestSystem, id: string) =>
  waitFor(async () => (await system.openJobs(id)).length > 0, { what: "jobs of the run", timeoutMs: 20_000 });

/** What several runs are made with, one after another: its first test starts its trainer, and each leaves nothing behind. */
const shared = startSystem({ lingerMs: 0, sweepMs: 500 });
after(async () => (await shared)[Symbol.asyncDispose]());

/** Deletes runs and all that they have made. */
async function forget(system: TestSystem, ...ids: string[]): Promise<void> {
  for (const id of ids) await system.recycling.deleteRun({ id });
  await system.collectGarbage();
  assert.deepEqual((await system.catalog.listArtifacts({})).artifacts, []);
}

test("a run outlives services that are away for a moment, and no member is dropped for it", async () => {
  const system = await shared;
  const spec = await system.tiny();
  spec.onFailure = OnFailure.CONTINUE;
  const { id } = await system.start(spec);
  await queued(system, id);
  for (let outage = 0; outage < 2; outage += 1) {
    await system.workers.close();
    await system.workers.open();
    if (outage === 0) system.startTrainer();
    await waitFor(async () => (await system.recycling.getRun({ id })).run?.stages.some(({ done }) => done > 0), { timeoutMs: 20_000 });
  }
  const end = (await system.watch(id)).at(-1)?.run;
  assert.equal(end?.state, RunState.SUCCEEDED, end?.error);
  assert.ok(end.stages.every(({ failed }) => failed === 0));
  await forget(system, id);
});

test("a run fails when its services stay away, and goes on when they are back", async () => {
  const system = await shared;
  await system.restart({ timing: { patienceMs: 0 } });
  const spec = await system.tiny();
  Object.assign(spec, { seeds: [2], onFailure: OnFailure.CONTINUE });
  await system.workers.close();
  const { id } = await system.start(spec);
  const failed = (await system.watch(id)).at(-1)?.run;
  assert.equal(failed?.state, RunState.FAILED);
  assert.match(failed.error, /not available/);
  await system.workers.open();
  await system.restart({ timing: {} });
  assert.equal(await stateOf(system, id), RunState.FAILED);
  await system.start(spec);
  assert.equal((await system.watch(id)).at(-1)?.run?.state, RunState.SUCCEEDED);
  await system.restart();
  await forget(system, id);
});

test("a second run of a name keeps the refs of both until the last one is deleted", async () => {
  const system = await shared;
  const spec = { ...(await system.tiny()), seeds: [3] };
  const other = { ...spec, methods: ["recycling"] };
  const ids = [(await system.start(spec)).id, (await system.start(other)).id];
  for (const id of ids) assert.equal((await system.watch(id)).at(-1)?.run?.state, RunState.SUCCEEDED);
  const pointing = async () => (await system.catalog.listRefs({})).refs.filter(({ digest }) => digest !== "").map(({ name }) => name);
  assert.deepEqual(await pointing(), ["tiny/seed-3/held-out-30"]);
  await system.recycling.deleteRun({ id: ids[0]! });
  assert.deepEqual(await pointing(), ["tiny/seed-3/held-out-30"]);
  await system.recycling.deleteRun({ id: ids[1]! });
  assert.deepEqual(await pointing(), []);
  await forget(system);
});

test("a run is watched to its end, reported, kept from garbage collection, reported again by another process, reproduced and deleted", async () => {
  const system = await shared;
  const spec = { ...(await system.tiny()), seeds: [4] };
  const { id, state } = await system.start(spec);
  assert.equal(state, RunState.RUNNING);
  await assert.rejects(system.report(id), isReason("RUN_NOT_FINISHED"));
  await assert.rejects(system.recycling.deleteRun({ id }), isReason("RUN_RUNNING"));
  const messages = await system.watch(id);
  const last = messages.at(-1);
  assert.equal(last?.run?.state, RunState.SUCCEEDED, last?.run?.error);
  assert.ok(messages[0]?.run?.spec && !last?.run?.spec);
  assert.ok(last.run.stages.every(({ total, done }) => done === total));
  const jobs = messages.flatMap(({ ended }) => ended.map((job) => job.id));
  assert.equal(jobs.length, new Set(jobs).size);
  assert.ok(jobs.length > 5);
  await assert.rejects(system.recycling.cancelRun({ id }), isReason("RUN_FINISHED"));

  const report = await system.report(id);
  assert.equal(JSON.parse(report).runId, id);
  assert.deepEqual(await system.collectGarbage(), []);
  await system.restart();
  assert.equal(await system.report(id), report);
  assert.equal(await stateOf(system, id), RunState.SUCCEEDED);

  const model = JSON.parse(report).cells[0].members[0].model;
  const events = [];
  for await (const { event } of system.recycling.reproduce({ digest: model }, { timeoutMs: 60_000 })) events.push(event);
  const result = events.at(-1);
  assert.ok(result?.case === "result" && result.value.same);

  await system.recycling.deleteRun({ id });
  assert.deepEqual((await system.recycling.listRuns({})).runs, []);
  await assert.rejects(system.recycling.getRun({ id }), isReason("RUN_UNKNOWN"));
  const freed = await system.collectGarbage();
  assert.ok(freed.includes(model));
  assert.deepEqual((await system.catalog.listArtifacts({})).artifacts, []);
});

test("cancelling an interrupted run cancels its jobs, and what it made stays", async () => {
  await using system = await startSystem();
  const { id } = await system.start(await system.tiny());
  await queued(system, id);
  await system.restart();
  assert.equal(await stateOf(system, id), RunState.INTERRUPTED);
  assert.ok((await system.openJobs(id)).length > 0);
  assert.equal((await system.recycling.cancelRun({ id })).run?.state, RunState.CANCELLED);
  assert.deepEqual(await system.openJobs(id), []);
  assert.equal((await system.recycling.cancelRun({ id })).run?.state, RunState.CANCELLED);
  // The imported source is all that there is by now.
  assert.deepEqual(await system.collectGarbage(), []);
});

test("a run that is started while it is being cancelled is started anew", async () => {
  await using system = await startSystem();
  const spec = await system.tiny();
  const { id } = await system.start(spec);
  await queued(system, id);
  const cancelling = system.recycling.cancelRun({ id });
  // Two calls at once may arrive in either order; what was answered came after the cancellation.
  await system.recycling.getRun({ id });
  const started = system.start(spec);
  assert.equal((await cancelling).run?.state, RunState.CANCELLED);
  assert.equal((await started).state, RunState.RUNNING);
  assert.equal(await stateOf(system, id), RunState.RUNNING);
  await queued(system, id);
});

test("the start of a run is told once, however often it is started", async () => {
  await using system = await startSystem();
  const spec = await system.tiny();
  const told: string[] = [];
  const stop = new AbortController();
  const consuming = system.bus.consume(runStarted, { durable: "test", concurrency: 1, signal: stop.signal }, async ({ runId, name }) => {
    told.push(`${runId} ${name}`);
  });
  const [{ id }] = await Promise.all([system.start(spec), system.start(spec)]);
  await system.start(spec);
  // Events keep their order: once the start of another run is told, nothing of this one is to come.
  const other = await system.start({ ...spec, name: "other" });
  await waitFor(() => told.includes(`${other.id} other`), { what: "the start of the other run" });
  assert.deepEqual(told, [`${id} tiny`, `${other.id} other`]);
  stop.abort();
  await consuming;
});

test("the reproductions of a process that was killed leave no jobs behind", async () => {
  await using system = await startSystem();
  const runId = "reproduce-killed";
  await system.restart({
    async between() {
      await using store = await openRunStore(`${system.directory}/recycling.sqlite`);
      await store.addReproduction(runId);
      const parameters = { generator: "glyphs/1", classes: 2, images: 2, styles: ["plain"], rotation: 0, alphabetSeed: 1 };
      const recipe = JSON.stringify({ kind: "dataset", inputs: {}, parameters, seed: 1 });
      await system.finetune.submitJob({ recipe, label: "", runId, reproduce: true });
      assert.equal((await system.openJobs(runId)).length, 1);
    },
  });
  await waitFor(async () => (await system.openJobs(runId)).length === 0, { what: "the end of the job" });
});

test("a source that is not there fails the run and says so", async () => {
  await using system = await startSystem();
  const spec = await system.tiny();
  spec.target!.source = `sha256:${"0".repeat(64)}`;
  const { id } = await system.start(spec);
  const end = (await system.watch(id)).at(-1)?.run;
  assert.equal(end?.state, RunState.FAILED);
  assert.match(end.error, /the source sha256:0+ of the target is not in the catalog/);
});

test("no specification crashes StartRun: one that cannot be run is an invalid argument", async () => {
  await using system = await startSystem();
  const wrong = fc.tuple(specifications, fc.constantFrom("name", "seeds", "methods", "source")).map(([spec, part]) => {
    if (part === "name") return { ...spec, name: "" };
    if (part === "seeds") return { ...spec, seeds: [] };
    if (part === "methods") return { ...spec, methods: [] };
    return { ...spec, target: undefined as never };
  });
  await fc.assert(
    fc.asyncProperty(wrong, (spec) =>
      assert.rejects(
        system.start(spec),
        (error) => isRpcError(error, Code.INVALID_ARGUMENT, "SPECIFICATION_INVALID") && error.violations.length > 0,
      ),
    ),
    { numRuns: 100 },
  );
});

test("a run that may take any engine is stored with the one it got, and goes on with that; without a trainer for its network it is refused", async () => {
  await using system = await startSystem({ trainerMs: 300 });
  const digits = { ...(await system.tiny()), backend: "auto" };
  const { id, spec } = await system.start(digits);
  assert.equal(spec?.backend, "wasm");
  await system.recycling.cancelRun({ id });
  await system.restart();
  assert.deepEqual((await system.start(digits)).id, id);
  assert.equal((await system.recycling.getRun({ id })).run?.spec?.backend, "wasm");
  await assert.rejects(system.start({ ...exampleStudy(), backend: "auto" }), isReason("NO_ENGINE"));
  await assert.rejects(system.start({ ...exampleStudy({ members: 0 }), backend: "auto" }), isReason("SPECIFICATION_INVALID"));
  const engines = [{ name: "wasm", device: "cpu", arithmetics: [arithmetics.training], networks: [], builtInNetworks: true }];
  const trainer = { id: "slow", name: "slow", device: "cpu", engines, kinds: ["train", "predict"], memoryMib: 4096 };
  await system.finetune.announceTrainer({ trainer });
  await assert.rejects(system.start({ ...exampleStudy(), backend: "auto" }), (error: unknown) => {
    assert.match(
      String(error),
      /backend auto: no trainer has an engine that is fast enough for the network resnet18; ratatouille setup tensorflow installs one where a trainer runs, and backend: wasm does without it/,
    );
    return isReason("NO_ENGINE")(error);
  });
  const { spec: asked } = await system.start({ ...exampleStudy(), backend: "wasm" });
  assert.equal(asked?.backend, "wasm");
});

test("a run that may take any engine takes another one when it is started again and no trainer has its own any more", async () => {
  await using system = await startSystem({ trainerMs: 300 });
  const announce = async (id: string, engine: string, leaves = false) => {
    const engines = [{ name: engine, device: "cpu", arithmetics: [arithmetics.training], networks: [], builtInNetworks: true }];
    const trainer = { id, name: id, device: "cpu", engines, kinds: ["train", "predict"], memoryMib: 4096 };
    await system.finetune.announceTrainer({ trainer, leaves });
  };
  const study = { ...exampleStudy(), backend: "auto" };
  const engineOf = async () => {
    const { id, spec } = await system.start(study);
    assert.equal((await system.watch(id)).at(-1)?.run?.state, RunState.FAILED);
    return spec?.backend;
  };
  await announce("a", "tfjs-node");
  assert.equal(await engineOf(), "tfjs-node");
  await announce("a", "tfjs-node", true);
  assert.equal(await engineOf(), "tfjs-node", "nobody is there: its own may come back");
  await announce("b", "my-torch");
  assert.equal(await engineOf(), "my-torch");
  await announce("c", "tfjs-node");
  assert.equal(await engineOf(), "my-torch", "a trainer has it");
});

test("a run whose network or engine only trainers know is stored with what they have, and refused with a hint where none has it", async () => {
  await using system = await startSystem({ trainerMs: 300 });
  const announce = (id: string, engines: readonly { name: string; arithmetics: string[]; networks: string[]; device?: string }[]) =>
    system.finetune.announceTrainer({
      trainer: {
        ...{ id, name: id, device: "cpu", kinds: ["train", "predict"], memoryMib: 4096 },
        engines: engines.map((engine) => ({ device: "cpu", builtInNetworks: false, ...engine })),
      },
    });
  const study = (changes: Parameters<typeof exampleStudy>[0] = {}, backends: readonly string[] = ["own"]) => ({
    ...exampleStudy({ network: { name: "my-net", head: ["out.weight"] }, ...changes }),
    backend: backends[0]!,
    backends: backends.length > 1 ? [...backends] : [],
  });
  const refusal = async (spec: ReturnType<typeof study>, reason: string): Promise<string> => {
    let said = "";
    await assert.rejects(system.start(spec), (error: unknown) => {
      said = error instanceof Error ? error.message : "";
      return isReason(reason)(error);
    });
    return said;
  };
  assert.match(await refusal(study(), "NO_ENGINE"), /no engine of ratatouille is called own, and no trainer that is there has one/);
  await announce("a", [{ name: "own", arithmetics: ["~own/1"], networks: ["my-nte"] }]);
  assert.match(await refusal(study(), "NO_ENGINE"), /no trainer has the network my-net: did you mean my-nte\?/);
  await announce("a", [{ name: "own", arithmetics: ["~own/1"], networks: ["my-net"] }]);
  assert.match(await refusal(study({}, ["own", "onw"]), "NO_ENGINE"), /is called onw, .*did you mean own\?/);
  const { id, spec } = await system.start(study());
  assert.deepEqual([spec?.study?.arithmetic, spec?.backend, spec?.device], ["~own/1", "own", ""]);
  // What it began with stays as long as somebody has it. Its images are nowhere, so that it may have failed before it is cancelled.
  await system.recycling.cancelRun({ id }).catch((error: unknown) => assert.ok(isReason("RUN_FINISHED")(error), String(error)));
  await announce("b", [{ name: "own", arithmetics: ["~own/2"], networks: ["my-net"], device: "gpu" }]);
  assert.equal((await system.start(study())).spec?.study?.arithmetic, "~own/1");
  assert.match(
    await refusal(study({ members: 4 }), "ARITHMETIC_AMBIGUOUS"),
    /the trainers that have the network my-net compute it in ~own\/1 and ~own\/2: name one of them as arithmetic in the run file/,
  );
  const named = await system.start(study({ arithmetic: "~own/2" }, ["own", "wasm"]));
  assert.deepEqual([named.spec?.device, named.spec?.backends], ["gpu", ["own", "wasm"]]);
});
