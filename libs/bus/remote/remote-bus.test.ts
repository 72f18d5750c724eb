import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { Code, connect, isRpcError, serve } from "#libs/rpc";
import { freePort, temporaryDirectory, testProcess, waitFor } from "#libs/testing";
import { BusService } from "#proto/ratatouille/v1/bus_pb.ts";
import { JobOfferedSchema } from "#proto/ratatouille/v1/events_pb.ts";
import { busService, connectRemoteBus, event, openLocalBus, topic } from "../index.ts";
import { testBusContract } from "../testing/contract.ts";
import { contractStreams } from "../testing/streams.ts";

const work = topic("ratatouille.v1.work.test", JobOfferedSchema);
const offer = (id: string) => event(work, id, { jobId: id });

async function serveBus(path: string, address = "127.0.0.1:0") {
  const bus = await openLocalBus({ path, streams: contractStreams });
  const server = await serve({ address, services: [busService(bus, "all")], drainMs: 0 });
  return {
    address: server.address,
    bus,
    async [Symbol.asyncDispose]() {
      await server.drain(0);
      await bus[Symbol.asyncDispose]();
    },
  };
}

testBusContract("remote bus", async () => {
  const served = await serveBus(":memory:");
  const channel = connect(served.address);
  const bus = connectRemoteBus(channel);
  return {
    bus,
    async [Symbol.asyncDispose]() {
      await bus[Symbol.asyncDispose]();
      channel.close();
      await served[Symbol.asyncDispose]();
    },
  };
});

test("what a client has in hand is delivered again at once when it is killed", async () => {
  await using served = await serveBus(":memory:");
  await served.bus.publish(offer("a"));
  const program = fileURLToPath(new URL("./testing/consumer.ts", import.meta.url));
  const args = "Deno" in globalThis ? ["run", "-A", "--no-check", program] : [program];
  await using child = testProcess(process.execPath, [...args, served.address]);
  await child.line("holding a 1");
  await using other = await served.bus.subscribe({ durable: "worker", subjects: [work.subject], concurrency: 1, ackWaitMs: 60_000 });
  await child.kill("SIGKILL");
  const again = await other[Symbol.asyncIterator]().next();
  assert.equal(again.value?.delivery, 2);
});

test("a consumer goes on when its server comes back, and loses nothing", async () => {
  await using directory = await temporaryDirectory();
  const path = directory.join("bus.sqlite");
  const address = `127.0.0.1:${await freePort()}`;
  const got: string[] = [];
  const stop = new AbortController();
  let served = await serveBus(path, address);
  using channel = connect(address);
  await using bus = connectRemoteBus(channel);
  const consuming = bus.consume(
    work,
    { durable: "worker", concurrency: 1, signal: stop.signal },
    async ({ jobId }) => void got.push(jobId),
  );
  await served.bus.publish(offer("before"));
  await waitFor(() => got.length === 1);
  await served[Symbol.asyncDispose]();
  served = await serveBus(path, address);
  await served.bus.publish(offer("after"));
  await waitFor(() => got.includes("after"), { what: "the consumer to connect again" });
  stop.abort();
  await consuming;
  await served[Symbol.asyncDispose]();
});

test("wrong requests are refused with the field", async () => {
  await using served = await serveBus(":memory:");
  using channel = connect(served.address);
  const client = channel.client(BusService);
  const refused = (field: string) => (error: unknown) => isRpcError(error, Code.INVALID_ARGUMENT) && error.violations[0]?.field === field;
  await assert.rejects(client.publish({}), refused("message"));
  await assert.rejects(client.publish({ message: { subject: "a" } }), refused("message.id"));
  const message = { id: "a", subject: "b", payload: new Uint8Array() };
  await client.publish({ message: { ...message, payload: new Uint8Array(999_000) } });
  await assert.rejects(client.publish({ message: { ...message, payload: new Uint8Array(1_000_000) } }), refused("message.payload"));
  await assert.rejects(client.publish({ message: { ...message, headers: { "a b": "c" } } }), refused("message.headers"));
  await assert.rejects(client.publish({ message: { ...message, subject: "b.*" } }), refused("message.subject"));
  const wish = { durable: "worker", subjects: ["a"], concurrency: 1, ackWaitMs: 1000 };
  for (const [field, wrong] of [
    ["durable", { durable: "" }],
    ["subjects", { subjects: [] as string[] }],
    ["concurrency", { concurrency: 0 }],
    ["ack_wait_ms", { ackWaitMs: 2 ** 31 }],
  ] as const) {
    async function* requests() {
      yield { action: { case: "subscribe" as const, value: { ...wish, ...wrong } } };
    }
    const responses = client.consume(requests(), { timeoutMs: 5_000 });
    await assert.rejects(responses[Symbol.asyncIterator]().next(), refused(`subscribe.${field}`));
  }
  const watching = Array.fromAsync(client.watch({ subjects: ["a"], sinceMs: -1n }, { timeoutMs: 5_000 }));
  await assert.rejects(watching, refused("since_ms"));
});

test("a server that serves no bus is an error, not a silence", async () => {
  await using server = await serve({ address: "127.0.0.1:0", services: [], drainMs: 0 });
  using channel = connect(server.address);
  await using bus = connectRemoteBus(channel);
  const signal = AbortSignal.timeout(30_000);
  const consuming = bus.consume(work, { durable: "worker", concurrency: 1, signal }, async () => undefined);
  await assert.rejects(consuming, (error) => isRpcError(error, Code.UNIMPLEMENTED));
});

test("callers do with the bus what is open to them, and nothing else", async () => {
  await using bus = await openLocalBus({ path: ":memory:", streams: contractStreams });
  const access = { publish: [], watch: ["ratatouille.v1.work.>"], consume: { trainer: ["ratatouille.v1.work.>"] } };
  await using server = await serve({ address: "127.0.0.1:0", services: [busService(bus, access)], drainMs: 0 });
  using channel = connect(server.address);
  const client = channel.client(BusService);
  const refused = (reason: string, message: RegExp) => (error: unknown) =>
    isRpcError(error, Code.PERMISSION_DENIED, reason) && message.test(error.message);
  const consume = async (durable: string, subjects: string[]) => {
    await using remote = connectRemoteBus(channel);
    const options = { durable, concurrency: 1, signal: AbortSignal.timeout(20_000) };
    const topics = subjects.map((subject) => topic(subject, JobOfferedSchema));
    const stop = new AbortController();
    return await remote.consume(topics, { ...options, signal: AbortSignal.any([options.signal, stop.signal]) }, async () => stop.abort());
  };
  await assert.rejects(
    client.publish({ message: offer("a") }),
    refused("SUBJECT_NOT_OPEN", /^publishing on "ratatouille\.v1\.work\.test" is not/),
  );
  await assert.rejects(
    consume("recycling", [work.subject]),
    refused("DURABLE_NOT_OPEN", /as "recycling" is not open to callers; those that are: trainer$/),
  );
  await assert.rejects(consume("constructor", [work.subject]), refused("DURABLE_NOT_OPEN", /"constructor"/));
  await assert.rejects(consume("trainer", [work.subject, "ratatouille.v1.job.finished"]), refused("SUBJECT_NOT_OPEN", /job\.finished/));
  for (const subject of ["ratatouille.v1.job.finished", "ratatouille.v1.work.>", "ratatouille.v1.workers.x"])
    await assert.rejects(
      client
        .watch({ subjects: [subject] }, { timeoutMs: 20_000 })
        [Symbol.asyncIterator]()
        .next(),
      refused("SUBJECT_NOT_OPEN", /^watching/),
    );
  await bus.publish(offer("a"));
  await consume("trainer", [work.subject]);
});
