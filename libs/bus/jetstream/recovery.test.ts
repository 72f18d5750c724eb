import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { openDatabase } from "#libs/storage";
import { startNatsServer, testProcess, waitFor } from "#libs/testing";
import { JobOfferedSchema } from "#proto/ratatouille/v1/events_pb.ts";
import {
  type Bus,
  type ConsumerDeclaration,
  connectJetStream,
  createOutbox,
  event,
  type OutboxTables,
  outboxMigration,
  topic,
} from "../index.ts";
import { contractStreams as streams } from "../testing/streams.ts";

const work = topic("ratatouille.v1.work.test", JobOfferedSchema);
const small = topic("ratatouille.v1.work.cpu.small", JobOfferedSchema);
const finished = topic("ratatouille.v1.job.finished", JobOfferedSchema);
const consumers: ConsumerDeclaration[] = [
  { durable: "worker", subjects: [work.subject, small.subject], ackWaitMs: 30_000, maxAckPending: 100 },
];
const offer = (id: string, on = work) => event(on, id, { jobId: id });

/** Consumes and keeps the ids. */
function collect(bus: Bus, on: typeof work | (typeof work)[], durable = "worker") {
  const stop = new AbortController();
  const got: string[] = [];
  const consuming = bus.consume(on, { durable, concurrency: 1, signal: stop.signal }, async ({ jobId }) => void got.push(jobId));
  return {
    got,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await consuming;
    },
  };
}

const again = (attempt: () => Promise<unknown>, what: string) =>
  waitFor(() => attempt().then(() => true), { timeoutMs: 20_000, intervalMs: 20, what });

for (const emptyStore of [false, true]) {
  const what = emptyStore ? "an empty store" : "its store";
  test(`jetstream: a server that is killed and comes back with ${what}: publishing, consuming and watching go on`, async () => {
    await using server = await startNatsServer();
    await using bus = await connectJetStream({ servers: server.address, streams, consumers });
    const resets: number[] = [];
    await bus.check();
    // The streams were missing at the first connection: for whom has something from before, that is a reset too.
    using _listening = bus.onReset((beforeMs) => resets.push(beforeMs));
    await waitFor(() => resets.length === 1, { what: "the reset that was before the listener" });
    await using collected = collect(bus, [work, small]);
    const seen: string[] = [];
    const stop = new AbortController();
    const watching = (async () => {
      for await (const { id } of bus.watch({ subjects: [finished.subject], sinceMs: 0, signal: stop.signal })) seen.push(id);
    })();
    await bus.publish(offer("event before", finished));
    await bus.publish(offer("before"));
    await waitFor(() => collected.got.includes("before") && seen.includes("event before"));

    await server.kill();
    await Promise.all([
      assert.rejects(bus.check(), /no NATS server|is lost|does not answer/),
      assert.rejects(bus.publish(offer("meanwhile"))),
    ]);
    await server.restart({ emptyStore });

    await again(() => bus.publish(offer("after")), "the publisher to connect again");
    await bus.publish(offer("small after", small));
    await bus.publish(offer("event after", finished));
    await waitFor(() => collected.got.includes("after") && collected.got.includes("small after"), { what: "the consumer to go on" });
    await waitFor(() => seen.includes("event after"), { what: "the watcher to go on" });
    await bus.check();
    assert.deepEqual(resets, emptyStore ? [Infinity, Infinity] : [Infinity]);
    assert.deepEqual(
      seen.filter((id) => id.startsWith("event")),
      ["event before", "event after"],
    );
    await using connection = await connect({ servers: server.address });
    const manager = await jetstreamManager(connection);
    for (const { name } of streams) assert.ok((await manager.streams.info(name)).created);
    assert.equal((await manager.consumers.info("WORK_TEST", "worker-ratatouille_v1_work_test")).config.max_ack_pending, 100);
    stop.abort();
    await watching;
  });
}

test("jetstream: what waits in the queue survives a killed server, and so does what was in hand", async () => {
  await using server = await startNatsServer();
  await using bus = await connectJetStream({ servers: server.address, streams });
  for (let i = 0; i < 20; i++) await bus.publish(offer(`m${i}`));
  const stop = new AbortController();
  const got: string[] = [];
  let killed: Promise<void> | undefined;
  const consuming = bus.consume(work, { durable: "worker", concurrency: 2, ackWaitMs: 1_000, signal: stop.signal }, async ({ jobId }) => {
    if (got.length === 5) killed ??= server.restart();
    await killed;
    got.push(jobId);
  });
  await waitFor(() => new Set(got).size === 20, { timeoutMs: 30_000, what: "all messages" });
  stop.abort();
  await consuming;
  await using connection = await connect({ servers: server.address });
  const manager = await jetstreamManager(connection);
  const left = await manager.consumers.info("WORK_TEST", "worker-ratatouille_v1_work_test");
  assert.equal(left.num_pending, 0);
});

test("jetstream: streams that are deleted under a bus are made again, and that is a reset", async () => {
  await using server = await startNatsServer();
  await using bus = await connectJetStream({ servers: server.address, streams, consumers });
  await using collected = collect(bus, work);
  await bus.publish(offer("before"));
  await waitFor(() => collected.got.length === 1);
  let resets = 0;
  using _listening = bus.onReset(() => resets++);
  await waitFor(() => resets === 1);
  await using connection = await connect({ servers: server.address });
  await (await jetstreamManager(connection)).streams.delete("WORK_TEST");
  await again(() => bus.publish(offer("after")), "the stream to be made again");
  await waitFor(() => collected.got.includes("after"), { what: "the consumer to go on" });
  assert.equal(resets, 2);
});

test("jetstream: a bus that finds what another has made hears when that was, and of a reset when it is made anew meanwhile", async () => {
  await using server = await startNatsServer();
  {
    await using first = await connectJetStream({ servers: server.address, streams, consumers });
    await first.check();
  }
  await using bus = await connectJetStream({ servers: server.address, streams, consumers });
  await bus.check();
  const resets: number[] = [];
  using _listening = bus.onReset((beforeMs) => resets.push(beforeMs));
  await waitFor(() => resets.length === 1);
  assert.ok(Math.abs(resets[0]! - Date.now()) < 60_000, `the streams were made at ${resets[0]}`);
  await using other = await connectJetStream({ servers: server.address, streams, consumers });
  await other.check();
  await server.restart();
  await again(() => bus.check(), "the bus to be there again");
  assert.equal(resets.length, 1);
  await server.restart({ emptyStore: true });
  // Whoever comes first makes them; both hear of it.
  const others: number[] = [];
  using _too = other.onReset((beforeMs) => others.push(beforeMs));
  await waitFor(() => resets[1] === Infinity && others.includes(Infinity), { timeoutMs: 20_000, what: "both to hear of it" });
});

test("jetstream: a consumer that is killed with a message in hand loses it to another one after the ack wait, not before", async () => {
  await using server = await startNatsServer();
  await using bus = await connectJetStream({ servers: server.address, streams });
  await bus.publish(offer("a"));
  const program = fileURLToPath(new URL("./testing/consumer.ts", import.meta.url));
  const args = "Deno" in globalThis ? ["run", "-A", "--no-check", program] : [program];
  await using child = testProcess(process.execPath, [...args, server.address, "1000"]);
  await child.line("holding a 1");
  const stop = new AbortController();
  const got: string[] = [];
  const options = { durable: "worker", concurrency: 1, ackWaitMs: 1_000, signal: stop.signal };
  const consuming = bus.consume(work, options, async ({ jobId }, { delivery }) => void got.push(`${jobId} ${delivery}`));
  const holding = performance.now();
  await waitFor(() => performance.now() - holding > 1_500, { what: "one and a half ack waits" });
  assert.deepEqual(got, [], "it says that it works");
  await child.kill("SIGKILL");
  const killed = performance.now();
  await waitFor(() => got.length > 0, { what: "the second delivery" });
  assert.ok(performance.now() - killed < 3_000);
  assert.deepEqual(got, ["a 2"]);
  stop.abort();
  await consuming;
});

test("jetstream: an outbox keeps its order and catches up when the server was away, with duplicates dropped", async () => {
  await using server = await startNatsServer();
  await using bus = await connectJetStream({ servers: server.address, streams });
  await using database = await openDatabase<OutboxTables>({ path: ":memory:", migrations: [outboxMigration] });
  const outbox = createOutbox(database);
  const stop = new AbortController();
  let failures = 0;
  const relaying = outbox.relay(bus, { signal: stop.signal, onError: () => failures++ });
  const add = (id: string) => database.transaction((tx) => outbox.add(tx, offer(id, finished)));
  await using collected = collect(bus, finished);
  const ids = Array.from({ length: 60 }, (_, i) => `e${i}`);
  for (const id of ids.slice(0, 20)) await add(id);
  await waitFor(() => collected.got.length === 20);
  await server.kill();
  for (const id of ids.slice(20, 40)) await add(id);
  await waitFor(() => failures > 0, { what: "the relay to see that nobody is there" });
  await server.restart();
  for (const id of ids.slice(40)) await add(id);
  await add("e0"); // its id is known
  await waitFor(() => collected.got.includes("e59"), { timeoutMs: 30_000, what: "the outbox to catch up" });
  await waitFor(async () => (await database.query.selectFrom("outbox").select("id").execute()).length === 0, { what: "an empty outbox" });
  // What was done just before the kill may come again: the server writes down acknowledgements a little later.
  assert.deepEqual([...new Set(collected.got)], ids);
  await using connection = await connect({ servers: server.address });
  assert.equal((await (await jetstreamManager(connection)).streams.info("EVENTS")).state.messages, 60);
  stop.abort();
  await relaying;
});
