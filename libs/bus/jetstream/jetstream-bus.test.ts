import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { jetstreamManager, RetentionPolicy } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { type NatsServer, startNatsServer, waitFor } from "#libs/testing";
import { JobOfferedSchema } from "#proto/ratatouille/v1/events_pb.ts";
import { connectJetStream, event, type StreamDeclaration, topic } from "../index.ts";
import { testBusContract } from "../testing/contract.ts";

const work = topic("ratatouille.v1.work.test", JobOfferedSchema);
const offer = (id: string) => event(work, id, { jobId: id });
const streams: StreamDeclaration[] = [
  { name: "WORK_TEST", subjects: [work.subject], retention: "work", maxAgeMs: 0 },
  { name: "EVENTS", subjects: ["ratatouille.v1.job.finished"], retention: "events", maxAgeMs: 3_600_000 },
];

let shared: NatsServer;
before(async () => {
  shared = await startNatsServer();
});
after(async () => shared[Symbol.asyncDispose]());

testBusContract("jetstream", async () => {
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
});

for (const emptyStore of [false, true]) {
  test(`jetstream: consumers and publishers go on after the server was killed, with ${emptyStore ? "an empty store" : "its store"}`, async () => {
    await using server = await startNatsServer();
    await using bus = await connectJetStream({ servers: server.address, streams });
    const stop = new AbortController();
    const got: string[] = [];
    const consuming = bus.consume(
      work,
      { durable: "worker", concurrency: 1, signal: stop.signal },
      async ({ jobId }) => void got.push(jobId),
    );
    await bus.publish(offer("before"));
    await waitFor(() => got.includes("before"));
    await server.restart({ emptyStore });
    await waitFor(async () => bus.publish(offer("after")).then(() => true), { timeoutMs: 20_000, what: "the publisher to connect again" });
    await waitFor(() => got.includes("after"), { timeoutMs: 20_000, what: "the consumer to go on" });
    stop.abort();
    await consuming;
  });
}

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

test("jetstream: a stream that is not as declared is refused, not replaced", async () => {
  await using server = await startNatsServer();
  await using connection = await connect({ servers: server.address });
  const manager = await jetstreamManager(connection);
  await manager.streams.add({ name: "WORK_TEST", subjects: [work.subject], retention: RetentionPolicy.Limits });
  await assert.rejects(connectJetStream({ servers: server.address, streams }), {
    message: "stream WORK_TEST has retention limits, declared is workqueue",
  });
  await manager.streams.delete("WORK_TEST");
  await manager.streams.add({ name: "WORK_TEST", subjects: ["other"], retention: RetentionPolicy.Workqueue });
  await assert.rejects(
    connectJetStream({ servers: server.address, streams }),
    /stream WORK_TEST keeps the subjects other, declared are ratatouille/,
  );
});

test("jetstream: a server that is not there is named", async () => {
  await assert.rejects(connectJetStream({ servers: "127.0.0.1:1", streams }), /no NATS server at 127\.0\.0\.1:1/);
});
