import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { deferred, temporaryDirectory, testProcess, waitFor } from "#libs/testing";
import { JobOfferedSchema } from "#proto/ratatouille/v1/events_pb.ts";
import { event, openLocalBus, topic } from "../index.ts";
import { testBusContract } from "../testing/contract.ts";
import { contractStreams } from "../testing/streams.ts";

const work = topic("ratatouille.v1.work.test", JobOfferedSchema);
const offer = (id: string) => event(work, id, { jobId: id });

testBusContract("local bus", async () => {
  const directory = await temporaryDirectory();
  const bus = await openLocalBus({ path: directory.join("bus.sqlite"), streams: contractStreams });
  return {
    bus,
    async [Symbol.asyncDispose]() {
      await bus[Symbol.asyncDispose]();
      await directory[Symbol.asyncDispose]();
    },
  };
});

test("a local bus in memory works like one in a file", async () => {
  await using bus = await openLocalBus({ path: ":memory:" });
  await bus.publish(offer("a"));
  const stop = new AbortController();
  await bus.consume(work, { durable: "worker", concurrency: 1, signal: stop.signal }, async () => stop.abort());
});

test("a process killed with messages in hand loses none: what it had settled stays settled, the rest comes again", async () => {
  await using directory = await temporaryDirectory();
  const path = directory.join("bus.sqlite");
  {
    const program = fileURLToPath(new URL("./testing/consumer.ts", import.meta.url));
    const args = "Deno" in globalThis ? ["run", "-A", "--no-check", program, path] : [program, path];
    await using child = testProcess(process.execPath, args);
    await child.line("published 5");
    await child.line("handled m0");
    await child.line("holding m1");
    await child.kill("SIGKILL");
  }
  await using bus = await openLocalBus({ path });
  const stop = new AbortController();
  const got: string[] = [];
  const consuming = bus.consume(work, { durable: "worker", concurrency: 1, signal: stop.signal }, async ({ jobId }, { delivery }) => {
    got.push(`${jobId} ${delivery}`);
  });
  await waitFor(() => got.length === 4);
  await bus.publish(offer("m0")); // its id is remembered over the restart
  await bus.publish(offer("end"));
  await waitFor(() => got.includes("end 1"));
  stop.abort();
  await consuming;
  assert.deepEqual(got, ["m1 2", "m2 1", "m3 1", "m4 1", "end 1"]);
});

test("a message that takes its process down each time ends in the dead letters", async () => {
  await using directory = await temporaryDirectory();
  const path = directory.join("bus.sqlite");
  const gate = deferred();
  for (let crash = 1; crash <= 3; crash++) {
    const bus = await openLocalBus({ path });
    await bus.publish(offer("deadly"));
    const taken = deferred<number>();
    void bus.consume(
      work,
      { durable: "worker", concurrency: 1, maxDeliver: 3, signal: AbortSignal.timeout(60_000) },
      async (_message, { delivery }) => {
        taken.resolve(delivery);
        await gate.promise;
      },
    );
    assert.equal(await taken.promise, crash);
    await bus[Symbol.asyncDispose](); // unsettled, as after a crash
  }
  gate.resolve();
  await using bus = await openLocalBus({ path });
  const stop = new AbortController();
  const consuming = bus.consume(work, { durable: "worker", concurrency: 1, maxDeliver: 3, signal: stop.signal }, async () =>
    assert.fail("delivered"),
  );
  const [letter] = await waitFor(async () => {
    const letters = await bus.deadLetters();
    return letters.length > 0 && letters;
  });
  stop.abort();
  await consuming;
  assert.equal(letter?.reason, "delivered 3 times and never settled");
});
