import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { AckPolicy, jetstreamManager, RetentionPolicy } from "@nats-io/jetstream";
import { connect, nanos } from "@nats-io/transport-node";
import { type NatsServer, startNatsServer, waitFor } from "#libs/testing";
import { JobOfferedSchema } from "#proto/ratatouille/v1/events_pb.ts";
import { BusRefusedError, BusUnavailableError, type ConsumerDeclaration, connectJetStream, event, topic } from "../index.ts";
import { type BusUnderTest, testBusContract } from "../testing/contract.ts";
import { contractStreams } from "../testing/streams.ts";

const work = topic("ratatouille.v1.work.test", JobOfferedSchema);
const offer = (id: string) => event(work, id, { jobId: id });
const finished = topic("ratatouille.v1.job.finished", JobOfferedSchema);
const streams = contractStreams;
const declaredWorker: ConsumerDeclaration = { durable: "worker", subjects: [work.subject], ackWaitMs: 30_000, maxAckPending: 100 };

/** Keeps what is logged. */
function createTestLog() {
  const lines: string[] = [];
  const keep = (fields: object, message: string) => void lines.push(`${message} ${JSON.stringify(fields).replaceAll('\\"', '"')}`);
  return { lines, info: keep, warn: keep };
}

let shared: NatsServer;
before(async () => {
  shared = await startNatsServer();
});
after(async () => shared[Symbol.asyncDispose]());

async function openBus(): Promise<BusUnderTest> {
  const bus = await connectJetStream({ servers: shared.address, streams });
  return {
    bus,
    async [Symbol.asyncDispose]() {
      await bus[Symbol.asyncDispose]();
      await using connection = await connect({ servers: shared.address });
      const manager = await jetstreamManager(connection);
      for (const name of [...streams.map((stream) => stream.name), "DEAD_LETTERS"]) await manager.streams.delete(name);
    },
  };
}

testBusContract("jetstream", openBus);

test("jetstream: a done message of a work queue leaves the stream, and so does a dead one", async () => {
  await using server = await startNatsServer();
  await using bus = await connectJetStream({ servers: server.address, streams });
  await bus.publish(offer("good"));
  await bus.publish({ ...offer("bad"), payload: Uint8Array.of(255) });
  const stop = new AbortController();
  const consuming = bus.consume(work, { durable: "worker", concurrency: 1, signal: stop.signal }, async () => undefined);
  await using connection = await connect({ servers: server.address });
  const manager = await jetstreamManager(connection);
  await waitFor(async () => (await manager.streams.info("WORK_TEST")).state.messages === 0, { what: "an empty work queue" });
  stop.abort();
  await consuming;
  assert.deepEqual(
    (await bus.deadLetters()).map(({ message }) => message.id),
    ["bad"],
  );
});

test("jetstream: who waits at several subjects never has two in hand, and gives back at once what came beside", async () => {
  await using server = await startNatsServer();
  await using bus = await connectJetStream({ servers: server.address, streams });
  const topics = ["a", "b", "c", "d"].map((name) => topic(`ratatouille.v1.work.cpu.${name}`, JobOfferedSchema));
  const stop = new AbortController();
  const got: string[] = [];
  const running = [0, 0];
  const consuming = running.map((_, who) =>
    bus.consume(topics, { durable: "trainer", concurrency: 1, signal: stop.signal }, async ({ jobId }) => {
      assert.equal(++running[who]!, 1);
      await new Promise((resolve) => setImmediate(resolve));
      running[who]!--;
      got.push(jobId);
    }),
  );
  for (let round = 1; round <= 50; round++) {
    // All are empty and both wait: what is published at once comes at once.
    await Promise.all(topics.map((each) => bus.publish(event(each, `${each.subject}/${round}`, { jobId: `${each.subject}/${round}` }))));
    await waitFor(() => got.length >= 4 * round, { timeoutMs: 5_000, intervalMs: 1, what: `the messages of round ${round}` });
  }
  assert.equal(got.length, 200);
  assert.equal(new Set(got).size, 200);
  assert.deepEqual(await bus.deadLetters(), []);
  stop.abort();
  await Promise.all(consuming);
});

test("jetstream: an ack wait that is not the declared one is refused, and so is a subject that no stream keeps", async () => {
  await using server = await startNatsServer();
  await using bus = await connectJetStream({ servers: server.address, streams, consumers: [declaredWorker] });
  await assert.rejects(
    bus.subscribe({ durable: "worker", subjects: [work.subject], concurrency: 1, ackWaitMs: 1_000 }),
    new BusRefusedError("ackWaitMs", "worker is declared with an ack wait of 30000 ms; got 1000 ms"),
  );
  const nowhere = topic("ratatouille.v1.nowhere", JobOfferedSchema);
  await assert.rejects(bus.publish(event(nowhere, "a", {})), /no declared stream keeps ratatouille\.v1\.nowhere/);
});

test("jetstream: a consumer that the server refuses is told to who asked, and to nobody else", async () => {
  await using server = await startNatsServer();
  const log = createTestLog();
  await using bus = await connectJetStream({ servers: server.address, streams, consumers: [declaredWorker], log });
  await bus.publish(offer("a"));
  // A work queue takes one consumer for each subject.
  const options = { durable: "thief", concurrency: 1, signal: AbortSignal.timeout(20_000) };
  await assert.rejects(
    bus.consume(work, options, async () => undefined),
    /consumer thief-ratatouille_v1_work_test of WORK_TEST is refused: .*not unique/,
  );
  await bus.check();
  await server.restart();
  await waitFor(() => bus.check().then(() => true), { timeoutMs: 20_000, what: "the bus to be there again" });
  const stop = new AbortController();
  const got: string[] = [];
  const consuming = bus.consume(
    work,
    { durable: "worker", concurrency: 1, signal: stop.signal },
    async ({ jobId }) => void got.push(jobId),
  );
  await waitFor(() => got.includes("a"));
  stop.abort();
  await consuming;
  assert.doesNotMatch(log.lines.join("\n"), /is not ready/);
});

test("jetstream: a durable that nobody declared has the ack wait of who uses it, and two at once use the same", async () => {
  await using server = await startNatsServer();
  await using bus = await connectJetStream({ servers: server.address, streams });
  const wish = { durable: "guest", subjects: [finished.subject], concurrency: 1 };
  await using connection = await connect({ servers: server.address });
  const manager = await jetstreamManager(connection);
  for (const ackWaitMs of [2_000, 86_400_000, 1]) {
    await using _own = await bus.subscribe({ ...wish, ackWaitMs });
    await assert.rejects(bus.subscribe({ ...wish, ackWaitMs: 5 }), new RegExp(`is in use with an ack wait of ${ackWaitMs} ms; got 5 ms`));
    const set = async () =>
      (await manager.consumers.info("EVENTS", "guest-ratatouille_v1_job_finished").catch(() => undefined))?.config.ack_wait ===
      nanos(ackWaitMs);
    await waitFor(set, { what: `an ack wait of ${ackWaitMs} ms` });
    await bus.check();
  }
});

test("jetstream: without a broker the bus is not available, whatever is asked of it", async () => {
  const server = await startNatsServer();
  await using _server = server;
  await using bus = await connectJetStream({ servers: server.address, streams });
  await bus.check();
  await server.kill();
  await waitFor(
    () =>
      bus.check().then(
        () => false,
        () => true,
      ),
    { what: "the bus to miss its server" },
  );
  await assert.rejects(bus.publish(offer("a")), BusUnavailableError);
  await assert.rejects(bus.deadLetters(), BusUnavailableError);
});

test("jetstream: a watcher of work that does not read costs a bounded queue, has the newest, and what it missed is told", async () => {
  await using server = await startNatsServer();
  const log = createTestLog();
  await using bus = await connectJetStream({ servers: server.address, streams, log });
  const stop = new AbortController();
  const messages = bus.watch({ subjects: [work.subject], signal: stop.signal })[Symbol.asyncIterator]();
  let follows = false;
  let first = messages.next();
  void first.then(() => (follows = true));
  await waitFor(
    async () => {
      await bus.publish(offer(`knock ${performance.now()}`));
      return follows;
    },
    { intervalMs: 20, what: "the watcher to follow" },
  );
  const large = (id: string) => ({ ...offer(id), payload: new Uint8Array(500_000) });
  for (let i = 0; i < 40; i++) await bus.publish(large(`m${i}`));
  await bus.publish(offer("last"));
  const seen: string[] = [];
  for (first = messages.next(); seen.at(-1) !== "last"; first = messages.next()) seen.push((await first).value!.id);
  const given = seen.filter((id) => id.startsWith("m"));
  // The first may have been on its way to the watcher before any was missed.
  const kept = given[0] === "m0" ? given.slice(1) : given;
  assert.deepEqual(
    kept,
    Array.from({ length: kept.length }, (_, i) => `m${40 - kept.length + i}`),
    "the newest, in order",
  );
  assert.ok(kept.length >= 7 && kept.length <= 9, `kept ${kept.length} of half a megabyte`);
  stop.abort();
  await first;
  assert.match(log.lines.join("\n"), /a watcher is slow; it misses messages .*"missed":\d+/);
});

test("jetstream: a consumer ends with its bus", async () => {
  await using server = await startNatsServer();
  const bus = await connectJetStream({ servers: server.address, streams });
  await bus.check();
  const consuming = bus.consume(work, { durable: "worker", concurrency: 1, signal: AbortSignal.timeout(30_000) }, async () => undefined);
  await bus[Symbol.asyncDispose]();
  await consuming;
});

test("jetstream: what is not as declared is told, by the check, the log and publishing, and stays", async () => {
  await using server = await startNatsServer();
  await using connection = await connect({ servers: server.address });
  const manager = await jetstreamManager(connection);
  await manager.streams.add({ name: "WORK_TEST", subjects: [work.subject], retention: RetentionPolicy.Limits });
  await manager.consumers.add("WORK_TEST", {
    durable_name: "worker-ratatouille_v1_work_test",
    filter_subject: work.subject,
    ack_policy: AckPolicy.Explicit,
    ack_wait: nanos(5_000),
    max_ack_pending: 7,
  });
  const log = createTestLog();
  await using bus = await connectJetStream({ servers: server.address, streams, consumers: [declaredWorker], log });
  const wrong = /stream WORK_TEST is not as declared: retention is "limits", declared is "workqueue"/;
  await assert.rejects(bus.check(), (error: Error) => {
    assert.match(error.message, wrong);
    assert.match(
      error.message,
      /consumer worker-ratatouille_v1_work_test of WORK_TEST is not as declared: ack_wait is "5000 ms", declared is "30000 ms"/,
    );
    assert.match(error.message, /max_ack_pending is "7", declared is "100"/);
    return true;
  });
  await assert.rejects(bus.publish(offer("a")), wrong);
  await bus.publish(event(finished, "b", { jobId: "b" }));
  assert.match(log.lines.join("\n"), wrong);
  assert.equal((await manager.streams.info("WORK_TEST")).config.retention, RetentionPolicy.Limits);
  assert.equal((await manager.consumers.info("WORK_TEST", "worker-ratatouille_v1_work_test")).config.max_ack_pending, 7);
  // A person mends it; the next connection finds it mended.
  await manager.streams.delete("WORK_TEST");
  await server.restart();
  await waitFor(() => bus.check().then(() => true), { timeoutMs: 20_000, what: "the check to pass" });
  await bus.publish(offer("a"));
});

test("jetstream: a bus whose server is not there says so soon, and works when it starts late", async () => {
  const server = await startNatsServer();
  await using _server = server;
  await server.kill();
  const started = performance.now();
  await using bus = await connectJetStream({ servers: server.address, streams, consumers: [declaredWorker] });
  assert.ok(performance.now() - started < 500, "connecting waits for nobody");
  const stop = new AbortController();
  const got: string[] = [];
  const consuming = bus.consume(
    work,
    { durable: "worker", concurrency: 1, signal: stop.signal },
    async ({ jobId }) => void got.push(jobId),
  );
  const early = [bus.check(), bus.publish(offer("early"))];
  await Promise.all(early.map((refused) => assert.rejects(refused, /no NATS server at 127\.0\.0\.1/)));
  assert.ok(performance.now() - started < 5_000, "the refusals come soon");
  await server.restart();
  await waitFor(() => bus.check().then(() => true), { timeoutMs: 20_000, what: "the check to pass" });
  await bus.publish(offer("late"));
  await waitFor(() => got.includes("late"));
  stop.abort();
  await consuming;
});
