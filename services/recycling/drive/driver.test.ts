import assert from "node:assert/strict";
import { after, test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { arithmetics, digestOf, evaluationArithmetics } from "#libs/recipes";
import { Code, isRpcError, resourceExhausted } from "#libs/rpc";
import { waitFor } from "#libs/testing";
import { JobState } from "#proto/ratatouille/v1/finetune_pb.ts";
import { OnFailure, RunSchema, RunState } from "#proto/ratatouille/v1/recycling_pb.ts";
import { completeSpec } from "../plan/digits/specification.ts";
import type { Node } from "../plan/template.ts";
import { activate } from "../runs/active-run.ts";
import { createPins, holderOf } from "../runs/pins.ts";
import { createRuns, runIdOf } from "../runs/runs.ts";
import { openRunStore } from "../runs/store.ts";
import { defaultTiming } from "../runs/timing.ts";
import { startSystem, type TestSystem } from "../testing/system.ts";
import { drive } from "./driver.ts";
import { createExecutors } from "./executors.ts";
import { retryTransient } from "./retry-transient.ts";
import { watchJobs } from "./watch-jobs.ts";

const HOUR_MS = 3_600_000;

/** A node that draws some symbols; nodes of one seed have one recipe. */
function symbols(id: string, seed: number): Node {
  const parameters = { generator: "glyphs/1", classes: 2, images: 4, styles: ["plain"], rotation: 0, alphabetSeed: 1 };
  return { id, stage: "data", label: id, template: { kind: "dataset", inputs: {}, parameters, seed }, work: 1, expendable: false };
}

/** What has a trainer, once its first test has started it. */
const shared = startSystem({ lingerMs: 0 });
after(async () => (await shared)[Symbol.asyncDispose]());
let runs = 0;

/** Drives nodes until a test ends. What is looked up and what jobs do is that of the real services. */
function driving(system: TestSystem, nodes: readonly Node[]) {
  const runId = `run-test-${++runs}`;
  const stopper = new AbortController();
  const { log } = system;
  const executors = createExecutors(system.channel);
  const done: string[] = [];
  const driver = drive(runId, nodes, {
    executors,
    log,
    signal: stopper.signal,
    patienceMs: 10_000,
    keep: async () => {},
    onDone: ({ id }, _, cpuMs) => done.push(`${id} ${cpuMs !== undefined}`),
    onFailed: () => {},
    onChange: () => {},
  });
  const watching = (async () => {
    const { finetune } = executors;
    for await (const jobs of watchJobs(runId, { finetune, log, signal: stopper.signal, sweepMs: 5_000 })) {
      for (const job of jobs) driver.observe(job);
    }
  })();
  return {
    runId,
    driver,
    done,
    async [Symbol.asyncDispose]() {
      stopper.abort();
      await Promise.all([watching, driver.settled()]);
    },
  };
}

test("a job that somebody cancels is submitted again while the run needs it", async () => {
  const system = await shared;
  await using run = driving(system, [symbols("a", 1)]);
  await waitFor(async () => (await system.openJobs(run.runId)).length === 1);
  await system.finetune.cancelJobs({ runId: run.runId });
  await waitFor(async () => (await system.openJobs(run.runId)).length === 1);
  system.startTrainer();
  assert.equal((await run.driver.finished).get("a")?.state, "done");
});

test("nodes of one recipe share its job, and all of them are done with it", async () => {
  const system = await shared;
  await using run = driving(system, [symbols("a", 2), symbols("b", 2), symbols("c", 3)]);
  const outcomes = await run.driver.finished;
  assert.deepEqual(
    [...outcomes.values()].map(({ state }) => state),
    ["done", "done", "done"],
  );
  assert.deepEqual(run.done.sort(), ["a true", "b true", "c true"]);
  assert.equal(run.driver.ended.length, 2);
});

test("a model is not measured on data that it has seen, whatever they are called", async () => {
  const training = { architecture: "mlp", hidden: [4], classes: 2, steps: 1, batch: 1, learningRate: 0.1, weightDecay: 0, dropout: 0 };
  const parameters = { ...training, train: "all", keep: "last", validationFraction: 0, validateEvery: 0, initSeed: 1 };
  const measured = (heldOut: string): Node[] => [
    symbols("seen", 1),
    symbols("again", 1),
    symbols("unseen", 2),
    {
      ...{ id: "model", stage: "pre-training", label: "model", work: 1, expendable: false },
      template: { kind: "pretrain", inputs: { datasets: [{ node: "seen" }] }, parameters, seed: 1, arithmetic: arithmetics.wasm },
    },
    {
      ...{ id: "average", stage: "averaging", label: "average", work: 1, expendable: false },
      template: { kind: "average", inputs: { models: [{ node: "model" }] }, parameters: { method: "uniform" }, arithmetic: "exact-mean/1" },
    },
    {
      ...{ id: "accuracy", stage: "evaluation", label: "accuracy", work: 1, expendable: false },
      template: {
        kind: "evaluate",
        inputs: { models: [{ node: "average" }], heldOut: { node: heldOut } },
        parameters: { measure: "accuracy", validationFraction: 0 },
        arithmetic: evaluationArithmetics.wasm,
      },
    },
  ];
  const system = await shared;
  await using leaking = driving(system, measured("again"));
  await assert.rejects(
    leaking.driver.finished,
    /^RunFailedError: accuracy: its held-out data are the bytes of seen, on which average was trained$/,
  );
  await using right = driving(system, measured("unseen"));
  assert.equal((await right.driver.finished).get("accuracy")?.state, "done");
});

test("a run that is over has nothing on its way: jobs that are cancelled then stay cancelled", async () => {
  await using system = await startSystem();
  const nodes = Array.from({ length: 20 }, (_, seed) => symbols(`${seed}`, seed));
  const run = driving(system, nodes);
  run.driver.finished.catch(() => undefined);
  await waitFor(async () => (await system.openJobs(run.runId)).length > 0);
  await run[Symbol.asyncDispose]();
  await system.finetune.cancelJobs({ runId: run.runId });
  assert.deepEqual(await system.openJobs(run.runId), []);
});

test("a watch of jobs tells everything again and again, and outlives the server that it watches", async () => {
  await using system = await startSystem();
  await using run = driving(system, [symbols("a", 1)]);
  run.driver.finished.catch(() => undefined);
  await waitFor(async () => (await system.openJobs(run.runId)).length === 1);
  const stopper = new AbortController();
  const rounds: JobState[] = [];
  const watching = (async () => {
    const { finetune, log } = system;
    // Shorter than it takes to tell anything: the time counts from when all is told.
    for await (const jobs of watchJobs(run.runId, { finetune, log, signal: stopper.signal, sweepMs: 0 })) {
      rounds.push(...jobs.map(({ state }) => state));
    }
  })();
  await waitFor(() => rounds.length >= 3);
  await system.workers.close();
  await system.workers.open();
  const before = rounds.length;
  await waitFor(() => rounds.length >= before + 3, { timeoutMs: 60_000 });
  assert.ok(rounds.every((state) => state === JobState.QUEUED));
  stopper.abort();
  await watching;
});

test("pins that fail wait and are set later; one that is gone does not hinder the others", async () => {
  await using system = await startSystem();
  const catalog = system.catalog;
  const source = (await system.tiny()).target!.source;
  using pins = createPins("run-test", catalog, system.log);
  const gone = pins.keep(digestOf("gone"));
  gone.catch(() => undefined);
  await pins.keep(source);
  await assert.rejects(gone, (error) => isRpcError(error, Code.NOT_FOUND));
  assert.deepEqual(await system.collectGarbage(), []);

  await catalog.unpin({ holder: holderOf("run-test") });
  using later = createPins("run-test", catalog, system.log);
  await system.workers.close();
  later.add(source);
  await assert.rejects(later.flush(), (error) => isRpcError(error, Code.UNAVAILABLE));
  await system.workers.open();
  await waitFor(() => later.flush().then(() => true), { timeoutMs: 20_000 });
  system.clock.aheadMs += 2 * HOUR_MS;
  assert.deepEqual((await catalog.collectGarbage({ dryRun: true })).artifacts, []);
  await catalog.unpin({ holder: holderOf("run-test") });
  assert.deepEqual((await catalog.collectGarbage({ dryRun: true })).artifacts, [source]);
});

/** Nobody else is asked what it has used. */
const alone = { own: "services", others: {} };

test("a run whose end cannot be written ends all the same, for everybody who watches it", async () => {
  await using system = await startSystem();
  const spec = await system.tiny();
  const store = await openRunStore(`${system.directory}/other.sqlite`);
  const run = create(RunSchema, { id: runIdOf(spec), spec, state: RunState.RUNNING });
  await store.begin(run);
  const active = activate(run, completeSpec(spec), {
    executors: createExecutors(system.channel),
    store,
    processes: alone,
    log: system.log,
    timing: defaultTiming,
  });
  const { version } = active.pulse;
  await store[Symbol.asyncDispose]();
  await active.stop(RunState.CANCELLED);
  assert.equal(active.current().state, RunState.FAILED);
  assert.match(active.current().error, /could not be written/);
  assert.ok(active.pulse.version > version);
});

test("a run that has ended leaves memory, and starts no more once its process ends", async () => {
  await using system = await startSystem();
  const spec = await system.tiny();
  await using store = await openRunStore(`${system.directory}/other.sqlite`);
  const options = { resume: false, processes: alone, timing: { ...defaultTiming, lingerMs: 10 } };
  const runs = createRuns(store, createExecutors(system.channel), system.log, options);
  const { id } = await runs.start(spec);
  assert.ok(runs.active(id));
  await runs.cancel(id);
  await waitFor(() => runs.active(id) === undefined);
  assert.equal((await runs.get(id)).state, RunState.CANCELLED);
  await runs.interrupt();
  await assert.rejects(runs.start(spec), (error) => isRpcError(error, Code.UNAVAILABLE));
});

test("a caller that leaves does not take the report from the next one", async () => {
  const system = await shared;
  const spec = await system.tiny();
  const { id } = await system.start(spec);
  await system.watch(id);
  const leaving = new AbortController();
  const left = system.report(id, leaving.signal);
  const other = system.report(id);
  leaving.abort();
  await assert.rejects(left, (error) => isRpcError(error, Code.CANCELLED));
  assert.equal(JSON.parse(await other).runId, id);
  assert.equal(await system.report(id), await other);
});

test("a member that fails is dropped, and another process reports its failure without running it again", async () => {
  const system = await shared;
  const spec = await system.tiny();
  spec.onFailure = OnFailure.CONTINUE;
  // A deep network that takes a step of 10^4: at the second step nothing is finite any more.
  spec.foundation!.hidden = Array(8).fill(32);
  spec.fineTuning!.members = 4;
  spec.fineTuning!.training!.learningRate = 100;
  spec.fineTuning!.learningRateFactors = [1e-5, 100];
  const { id } = await system.start(spec);
  const end = (await system.watch(id)).at(-1)?.run;
  assert.equal(end?.state, RunState.SUCCEEDED, end?.error);
  const report = await system.report(id);
  const { failed } = JSON.parse(report).cells[0];
  assert.ok(failed.length > 0);
  assert.match(failed[0].error, /loss is not finite/);
  await system.restart();
  assert.equal(await system.report(id), report);
  assert.deepEqual(await system.openJobs(id), []);
});

test("what may be there again later is asked for again, an answer that fits no message is not", async () => {
  let calls = 0;
  const full = () => {
    calls++;
    if (calls === 2) return Promise.resolve("made");
    return Promise.reject(resourceExhausted("no space left", { reason: "NO_SPACE" }));
  };
  assert.equal(await retryTransient(full, { patienceMs: 10_000 }), "made");
  for (const reason of ["MESSAGE_TOO_LARGE", "LINEAGE_TOO_LARGE", undefined]) {
    let asked = 0;
    const large = () => {
      asked++;
      return Promise.reject(resourceExhausted("Received message larger than max (8300000 vs 4194304)", { reason }));
    };
    await assert.rejects(retryTransient(large, { patienceMs: HOUR_MS }), { code: Code.RESOURCE_EXHAUSTED });
    assert.equal(asked, 1, reason ?? "no reason");
  }
});
