import assert from "node:assert/strict";
import { test } from "node:test";
import { type Bus, connectJetStream } from "#libs/bus";
import { arithmetics } from "#libs/recipes";
import { Code, isRpcError } from "#libs/rpc";
import { freePort, type NatsServer, startNatsServer, waitFor } from "#libs/testing";
import { ACK_WAIT_MS, consumers, streams } from "#libs/topics";
import { type AnnounceTrainerRequest, JobState } from "#proto/ratatouille/v1/finetune_pb.ts";
import { type Options, recipeOf, type System, startSystem } from "./system.ts";

type Backlog = { readonly waiting: number; readonly inHand: number };

/** The fine-tune service with a real NATS, and what that says of its backlog to whoever scales by it. */
type Cluster = AsyncDisposable & { readonly system: System; readonly nats: NatsServer; backlog(subject: string): Promise<Backlog> };

/** What nats-server's monitoring says of consumers. */
type JetStreamState = {
  readonly account_details?: readonly {
    readonly stream_detail?: readonly {
      readonly consumer_detail?: readonly { readonly name: string; readonly num_pending: number; readonly num_ack_pending: number }[];
    }[];
  }[];
};

async function startCluster(options: Options = {}): Promise<Cluster> {
  await using opening = new AsyncDisposableStack();
  const monitor = await freePort();
  const nats = opening.use(await startNatsServer(["-m", String(monitor)]));
  const bus: Bus = opening.use(await connectJetStream({ servers: nats.address, streams, consumers }));
  const system = opening.use(await startSystem({ presenceSeconds: 600, orphanGraceMs: 60_000, leaseSeconds: 600, ...options, bus }));
  const open = opening.move();
  return {
    system,
    nats,
    async backlog(subject) {
      const state = (await (await fetch(`http://127.0.0.1:${monitor}/jsz?consumers=true`)).json()) as JetStreamState;
      const all = state.account_details?.flatMap(({ stream_detail: of = [] }) => of.flatMap(({ consumer_detail = [] }) => consumer_detail));
      const found = all?.find(({ name }) => name === `trainer-${subject.replaceAll(".", "_")}`);
      return { waiting: found?.num_pending ?? 0, inHand: found?.num_ack_pending ?? 0 };
    },
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}

const cpuQueue = "ratatouille.v1.work.cpu.cpu.1g";
const largeQueue = "ratatouille.v1.work.cpu.cpu.8g";

async function announce(
  { jobs }: System,
  id: string,
  engines: readonly string[] = ["cpu"],
  changes: Partial<AnnounceTrainerRequest> = {},
  memoryMib = 4096,
) {
  const trainer = {
    id,
    name: id,
    device: "cpu",
    engines: engines.map((name) => ({ name, device: "cpu", arithmetics: [arithmetics.cpu], builtInNetworks: true })),
    kinds: ["dataset"],
    memoryMib,
  };
  return jobs.announceTrainer({ trainer, leaves: changes.leaves ?? false, contract: changes.contract ?? 0 });
}

/** Takes a job; "" where none comes within the wait. */
async function take(
  { jobs }: System,
  trainerId: string,
  { waitSeconds = 30, signal }: { waitSeconds?: number; signal?: AbortSignal } = {},
) {
  return (await jobs.takeJob({ trainerId, waitSeconds }, { signal, timeoutMs: 90_000 })).jobId;
}

async function begin({ jobs }: System, jobId: string, trainerId: string) {
  return jobs.beginAttempt({ jobId, trainer: trainerId, trainerId });
}

const refused = (code: Code, reason?: string, says?: RegExp) => (error: unknown) => {
  assert.ok(isRpcError(error, code, reason), String(error));
  if (says) assert.match(error.message, says);
  return true;
};

test("what is queued and what runs is the backlog of the bus, until an attempt has ended", async () => {
  await using cluster = await startCluster();
  const { system, backlog } = cluster;
  for (const id of ["a", "b"]) await announce(system, id);
  const ids: string[] = [];
  for (let number = 1; number <= 7; number++) ids.push((await system.submit(recipeOf(number))).id);
  const first = await take(system, "a");
  const second = await take(system, "b");
  assert.deepEqual([first, second], ids.slice(0, 2));
  const { attempt } = await begin(system, first, "a");
  await begin(system, second, "b");
  await waitFor(async () => {
    const { waiting, inHand } = await backlog(cpuQueue);
    return waiting === 5 && inHand === 2;
  });
  // For longer than a delivery lasts that nobody says anything of.
  const until = performance.now() + 7_000;
  await waitFor(() => performance.now() > until, { intervalMs: 100, what: "7 s to pass" });
  assert.deepEqual(await backlog(cpuQueue), { waiting: 5, inHand: 2 });
  const artifact = await system.publish(recipeOf(1));
  await system.jobs.completeAttempt({ jobId: first, attempt, artifact });
  await waitFor(async () => (await backlog(cpuQueue)).inHand === 1, { what: "the message of the job that is done to be settled" });
  assert.equal((await backlog(cpuQueue)).waiting, 5);
  // One that is given back is offered anew: still five that wait, and one more.
  await system.jobs.releaseAttempt({ jobId: second, attempt: 1 });
  await waitFor(async () => {
    const { waiting, inHand } = await backlog(cpuQueue);
    return waiting === 6 && inHand === 0;
  });
});

test("a trainer that waits is handed the next job at once, and nobody else is offered it", async () => {
  await using cluster = await startCluster();
  const { system } = cluster;
  for (const id of ["a", "b"]) await announce(system, id);
  const waiting = ["a", "b"].map((id) => take(system, id, { waitSeconds: 3 }));
  const { id } = await system.submit(recipeOf(1));
  const taken = await Promise.race(waiting);
  assert.equal(taken, id);
  const owner = (await Promise.race([waiting[0]!.then(() => "a"), waiting[1]!.then(() => "b")])) ?? "";
  await begin(system, id, owner);
  assert.deepEqual((await Promise.all(waiting)).sort(), ["", id]);
});

test("a job that is not begun within five seconds goes to another; one whose trainer leaves before the answer at once", async () => {
  await using cluster = await startCluster();
  const { system } = cluster;
  for (const id of ["a", "b"]) await announce(system, id);
  const { id } = await system.submit(recipeOf(1));
  assert.equal(await take(system, "a"), id);
  const startedMs = performance.now();
  assert.equal(await take(system, "b"), id);
  const lateMs = performance.now() - startedMs;
  assert.ok(lateMs > 4_000 && lateMs < 8_000, `${lateMs} ms`);
  await begin(system, id, "b");
  const leaving = new AbortController();
  const left = take(system, "a", { signal: leaving.signal });
  leaving.abort();
  await assert.rejects(left, refused(Code.CANCELLED));
  const next = await system.submit(recipeOf(2));
  const againMs = performance.now();
  assert.equal(await take(system, "b"), next.id);
  assert.ok(performance.now() - againMs < 2_000);
});

test("a job that needs no work any more is offered to nobody", async () => {
  await using cluster = await startCluster();
  const { system, backlog } = cluster;
  await announce(system, "a");
  const { id } = await system.submit(recipeOf(1));
  await system.jobs.cancelJob({ id });
  const last = await system.submit(recipeOf(2));
  assert.equal(await take(system, "a"), last.id);
  // Cancelled while it is in hand.
  await system.jobs.cancelJob({ id: last.id });
  await waitFor(async () => {
    const { waiting, inHand } = await backlog(cpuQueue);
    return waiting + inHand === 0;
  });
  await assert.rejects(begin(system, last.id, "a"), refused(Code.FAILED_PRECONDITION, "JOB_DONE"));
});

test("after a restart of the service, and of NATS, a job that runs stays in hand and is offered to nobody", async () => {
  await using cluster = await startCluster();
  const { system, nats, backlog } = cluster;
  await announce(system, "a");
  const { id } = await system.submit(recipeOf(1));
  assert.equal(await take(system, "a"), id);
  const { attempt } = await begin(system, id, "a");
  await system.restart();
  await announce(system, "a");
  assert.equal(await take(system, "a", { waitSeconds: 2 }), "");
  await waitFor(async () => (await backlog(cpuQueue)).inHand === 1, { what: "the message of the job that runs to be in hand again" });
  await nats.restart();
  assert.equal(await take(system, "a", { waitSeconds: 8 }), "");
  await waitFor(async () => (await backlog(cpuQueue)).inHand === 1, { what: "the message to be in hand for NATS too" });
  await system.jobs.completeAttempt({ jobId: id, attempt, artifact: await system.publish(recipeOf(1)) });
  await waitFor(async () => {
    const { waiting, inHand } = await backlog(cpuQueue);
    return waiting + inHand === 0;
  });
});

test("a job of several engines goes to a trainer that has one of them, and computes on that", async () => {
  await using cluster = await startCluster();
  const { system, backlog } = cluster;
  await announce(system, "own", ["own"]);
  await announce(system, "cpu", ["cpu"]);
  const own = "ratatouille.v1.work.cpu.own.1g";
  const { id, needs } = await system.submit(recipeOf(1), { needs: { backends: ["cpu", "own"] } });
  assert.deepEqual([needs?.backend, needs?.backends], ["cpu", ["cpu", "own"]]);
  assert.equal(await take(system, "own"), id);
  assert.equal((await begin(system, id, "own")).job?.needs?.backend, "own");
  assert.equal((await backlog(own)).inHand, 1);
  // The other message is done with as soon as it comes up.
  assert.equal(await take(system, "cpu", { waitSeconds: 1 }), "");
  await waitFor(async () => {
    const { waiting, inHand } = await backlog(cpuQueue);
    return waiting + inHand === 0;
  });
  await system.jobs.releaseAttempt({ jobId: id, attempt: 1 });
  assert.equal(await take(system, "cpu"), id);
  assert.equal((await begin(system, id, "cpu")).job?.needs?.backend, "cpu");
  for (const [backends, field, says] of [
    [["cpu", "My Engine"], "needs.backends[1]", /is no name of an engine/],
    [["cpu", "cpu"], "needs.backends", /twice/],
    [Array.from({ length: 11 }, (_, i) => `engine-${i}`), "needs.backends", /at most 10, got 11/],
  ] as const)
    await assert.rejects(system.submit(recipeOf(2), { needs: { backends: [...backends] } }), (error: unknown) => {
      refused(Code.INVALID_ARGUMENT, "NEEDS_INVALID", says)(error);
      return isRpcError(error) && error.violations[0]?.field === field;
    });
});

test("offers that nobody takes for long are published again where they are lost, and nowhere else: the backlog stays true", async () => {
  await using cluster = await startCluster({ sweepMs: 20 });
  const { system, backlog } = cluster;
  await announce(system, "a");
  const ids = [(await system.submit(recipeOf(1))).id, (await system.submit(recipeOf(2))).id];
  assert.equal(await take(system, "a"), ids[0]);
  await begin(system, ids[0]!, "a");
  const isSo = async (expected: Backlog) => {
    const { waiting, inHand } = await backlog(cpuQueue);
    return waiting === expected.waiting && inHand === expected.inHand;
  };
  await waitFor(() => isSo({ waiting: 1, inHand: 1 }));
  system.clock.aheadMs = 61_000;
  const until = performance.now() + 1_000;
  await waitFor(() => performance.now() > until, { intervalMs: 50, what: "many sweeps" });
  assert.ok(await isSo({ waiting: 1, inHand: 1 }));
  // Somebody takes the message away.
  {
    await using thief = await system.bus.subscribe({ durable: "trainer", subjects: [cpuQueue], concurrency: 1, ackWaitMs: ACK_WAIT_MS });
    for await (const delivery of thief) {
      await delivery.settle({ type: "ack" });
      break;
    }
  }
  await waitFor(() => isSo({ waiting: 0, inHand: 1 }));
  system.clock.aheadMs = 200_000;
  await waitFor(() => isSo({ waiting: 1, inHand: 1 }), { what: "the lost offer to be published again" });
  assert.equal(await take(system, "a"), ids[1]);
});

test("what none of those who wait can run is passed over, and goes to the first who can", async () => {
  await using cluster = await startCluster();
  const { system, backlog } = cluster;
  await announce(system, "small");
  const large = await system.submit(recipeOf(1), { needs: { memoryMib: 5000 } });
  const waiting = take(system, "small");
  const small = await system.submit(recipeOf(2), { needs: { memoryMib: 3000 } });
  assert.equal(await waiting, small.id);
  await begin(system, small.id, "small");
  const { job } = await system.jobs.getJob({ id: large.id });
  assert.deepEqual([job?.state, job?.attempt], [JobState.QUEUED, 0]);
  // Its message comes again and again, later each time; who can run it does not wait for that.
  const until = performance.now() + 5_000;
  const again = take(system, "small", { waitSeconds: 6 });
  await waitFor(() => performance.now() > until, { intervalMs: 100, what: "5 s to pass" });
  await announce(system, "large", ["cpu"], {}, 8192);
  const askedMs = performance.now();
  assert.equal(await take(system, "large"), large.id);
  assert.ok(performance.now() - askedMs < 1_000);
  const { attempt } = await begin(system, large.id, "large");
  assert.equal(await again, "");
  // Both run, and both are in hand: the message of the large one comes again, and is kept.
  assert.deepEqual(await backlog(largeQueue), { waiting: 0, inHand: 2 });
  await system.jobs.completeAttempt({ jobId: large.id, attempt, artifact: await system.publish(recipeOf(1)) });
  await waitFor(
    async () => {
      await take(system, "large", { waitSeconds: 1 });
      const { waiting, inHand } = await backlog(largeQueue);
      return waiting === 0 && inHand === 1;
    },
    { timeoutMs: 20_000, what: "the message to be settled" },
  );
});

test("who has not announced itself gets no work, nor who speaks another contract, and a wait has an end", async () => {
  await using system = await startSystem({ presenceSeconds: 1 });
  await assert.rejects(take(system, "nobody"), refused(Code.FAILED_PRECONDITION, "TRAINER_UNKNOWN", /"nobody" has not announced itself/));
  await assert.rejects(take(system, ""), refused(Code.INVALID_ARGUMENT));
  await assert.rejects(
    take(system, "a", { waitSeconds: 61 }),
    refused(Code.INVALID_ARGUMENT, undefined, /wait_seconds: expected at most 60, got 61/),
  );
  const says = /speaks version 7, and this service version 1/;
  await assert.rejects(announce(system, "a", ["cpu"], { contract: 7 }), refused(Code.FAILED_PRECONDITION, "CONTRACT_UNKNOWN", says));
  assert.equal((await announce(system, "a", ["cpu"], { contract: 1 })).contract, 1);
  assert.equal(await take(system, "a", { waitSeconds: 1 }).catch(() => ""), "");
  // One that goes while it waits, or says nothing for too long.
  for (const leaves of [true, false]) {
    await announce(system, "a");
    const waiting = take(system, "a");
    waiting.catch(() => undefined);
    if (leaves) await announce(system, "a", ["cpu"], { leaves });
    await assert.rejects(waiting, refused(Code.FAILED_PRECONDITION, "TRAINER_UNKNOWN"));
  }
});

test("trainers of two versions work for one run, and each attempt says which it was", async () => {
  await using cluster = await startCluster();
  const { system } = cluster;
  // One of before the contract had a number, and one of now.
  const trainers = [
    { id: "old", contract: 0, environment: { ratatouille: "0.1.0" } },
    { id: "new", contract: 1, environment: { ratatouille: "0.2.0" } },
  ];
  for (const [i, { id, contract, environment }] of trainers.entries()) {
    await announce(system, id, ["cpu"], { contract });
    const { id: jobId } = await system.submit(recipeOf(i), { runId: "run-1" });
    assert.equal(await take(system, id), jobId);
    const { attempt } = await system.jobs.beginAttempt({ jobId, trainer: id, trainerId: id, environment });
    await system.jobs.completeAttempt({ jobId, attempt, artifact: await system.publish(recipeOf(i)) });
  }
  const { jobs } = await system.jobs.listJobs({ runId: "run-1", states: [JobState.SUCCEEDED] });
  const told = await Promise.all(
    jobs.map(async ({ id }) => (await system.jobs.getJob({ id })).job?.attempts.map((one) => one.environment)),
  );
  assert.deepEqual(
    told.flat(),
    trainers.map(({ environment }) => environment),
  );
});
