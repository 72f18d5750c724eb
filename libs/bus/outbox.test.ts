import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { createPulse } from "#libs/concurrency";
import { type Database, openDatabase, sqlMigration } from "#libs/storage";
import { heapGrowth, startNatsServer, temporaryDirectory, testProcess, waitFor } from "#libs/testing";
import { JobOfferedSchema } from "#proto/ratatouille/v1/events_pb.ts";
import {
  type BusMessage,
  connectJetStream,
  createOutbox,
  event,
  type OutboxTables,
  openLocalBus,
  outboxMigration,
  topic,
} from "./index.ts";
import { contractStreams } from "./testing/streams.ts";

const work = topic("ratatouille.v1.work.test", JobOfferedSchema);
const offer = (id: string) => event(work, id, { jobId: id });

const open = (path: string): Promise<Database<OutboxTables>> => openDatabase<OutboxTables>({ path, migrations: [outboxMigration] });

/** A bus that remembers what was published, and fails as long as it is told to. */
function recordingBus(failing: (message: BusMessage) => boolean = () => false) {
  const published: string[] = [];
  return {
    published,
    async publish(message: BusMessage) {
      if (failing(message)) throw new Error("the bus is away");
      published.push(message.id);
    },
  };
}

test("the outbox publishes in order what was committed, at once, and nothing that was rolled back", async () => {
  await using database = await open(":memory:");
  const outbox = createOutbox(database);
  const bus = recordingBus();
  const stop = new AbortController();
  const relaying = outbox.relay(bus, { signal: stop.signal });
  await database.transaction(async (tx) => {
    await outbox.add(tx, offer("a"));
    await outbox.add(tx, offer("b"));
    assert.deepEqual(bus.published, []);
  });
  const committed = performance.now();
  await waitFor(() => bus.published.length === 2, { intervalMs: 1 });
  assert.ok(performance.now() - committed < 2_000, "woken, not polled");
  const rolledBack = database.transaction(async (tx) => {
    await outbox.add(tx, offer("never"));
    throw new Error("no");
  });
  await assert.rejects(rolledBack, /no/);
  await database.transaction((tx) => outbox.add(tx, offer("c")));
  await waitFor(() => bus.published.length === 3);
  stop.abort();
  await relaying;
  assert.deepEqual(bus.published, ["a", "b", "c"]);
  assert.deepEqual(await database.query.selectFrom("outbox").selectAll().execute(), []);
});

test("the outbox holds the order while the bus fails, and goes on when it is back", async () => {
  await using database = await open(":memory:");
  const outbox = createOutbox(database);
  let away = true;
  const bus = recordingBus(({ id }) => away && id === "b");
  const errors: unknown[] = [];
  const stop = new AbortController();
  for (const id of ["a", "b", "c"]) await database.transaction((tx) => outbox.add(tx, offer(id)));
  const relaying = outbox.relay(bus, { signal: stop.signal, onError: (error) => errors.push(error) });
  await waitFor(() => errors.length >= 2, { what: "two failures" });
  assert.deepEqual(bus.published, ["a"]);
  away = false;
  await waitFor(() => bus.published.length === 3);
  stop.abort();
  await relaying;
  assert.deepEqual(bus.published, ["a", "b", "c"]);
});

test("an event that the bus refuses is set aside and told; the others go on, and a later life tries it again", async () => {
  await using database = await open(":memory:");
  await using nats = await startNatsServer();
  await using bus = await connectJetStream({ servers: nats.address, streams: contractStreams });
  const outbox = createOutbox(database);
  await outbox.check();
  const stop = new AbortController();
  const refused: string[] = [];
  // Of a version whose topic is gone, and one that a version without bounds wrote.
  const nowhere = event(topic("ratatouille.v1.work.gone", JobOfferedSchema), "gone", { jobId: "gone" });
  const huge = { ...offer("huge"), payload: new Uint8Array(1_100_000) };
  for (const entry of [offer("a"), nowhere, huge, offer("b")]) await database.transaction((tx) => outbox.add(tx, entry));
  const relaying = outbox.relay(bus, { signal: stop.signal, onRefused: (id) => refused.push(id) });
  const got: string[] = [];
  const consuming = bus.consume(
    work,
    { durable: "worker", concurrency: 1, signal: stop.signal },
    async ({ jobId }) => void got.push(jobId),
  );
  await waitFor(() => got.includes("b"), { what: "what is behind the refused ones" });
  await waitFor(async () => (await database.query.selectFrom("outbox").select("id").execute()).length === 2, { what: "the rest to go" });
  assert.deepEqual(
    [got, refused],
    [
      ["a", "b"],
      ["gone", "huge"],
    ],
  );
  await assert.rejects(outbox.check(), /cannot be published \(and 1 more\): no declared stream keeps ratatouille\.v1\.work\.gone/);
  stop.abort();
  await Promise.all([relaying, consuming]);
  const again = new AbortController();
  const second = recordingBus();
  const relayingAgain = createOutbox(database).relay(second, { signal: again.signal });
  await waitFor(() => second.published.length === 2);
  again.abort();
  await relayingAgain;
  assert.deepEqual(second.published, ["gone", "huge"]);
});

test("a relay that is stopped leaves the rest for the next one", async () => {
  await using database = await open(":memory:");
  const outbox = createOutbox(database);
  const stop = new AbortController();
  const first = recordingBus();
  const stopping = {
    async publish(message: BusMessage) {
      await first.publish(message);
      if (message.id === "a") stop.abort();
      stop.signal.throwIfAborted();
    },
  };
  for (const id of ["a", "b"]) await database.transaction((tx) => outbox.add(tx, offer(id)));
  await outbox.relay(stopping, { signal: stop.signal });
  const again = new AbortController();
  const second = recordingBus();
  const relaying = outbox.relay(second, { signal: again.signal });
  await waitFor(() => second.published.includes("b"));
  again.abort();
  await relaying;
  // The publish of "a" was cut short, so it is repeated: at least once.
  assert.deepEqual([first.published, second.published], [["a"], ["a", "b"]]);
});

test("events committed by a process that was killed before it published them are published by the next one, once", async () => {
  await using directory = await temporaryDirectory();
  const [path, busPath] = [directory.join("service.sqlite"), directory.join("bus.sqlite")];
  const program = fileURLToPath(new URL("./testing/outbox-writer.ts", import.meta.url));
  const args = "Deno" in globalThis ? ["run", "-A", "--no-check", program] : [program];
  for (const moment of ["committed", "published"]) {
    await using child = testProcess(process.execPath, [...args, path, busPath, moment]);
    await child.line(moment);
    await child.kill("SIGKILL");
  }
  await using database = await open(path);
  assert.equal((await database.query.selectFrom("outbox").select("id").execute()).length, 2);
  await using bus = await openLocalBus({ path: busPath });
  const outbox = createOutbox(database);
  const stop = new AbortController();
  const got: string[] = [];
  const working = [
    outbox.relay(bus, { signal: stop.signal }),
    bus.consume(work, { durable: "worker", concurrency: 1, signal: stop.signal }, async ({ jobId }) => void got.push(jobId)),
  ];
  await database.transaction((tx) => outbox.add(tx, offer("end")));
  await waitFor(() => got.includes("end"));
  stop.abort();
  await Promise.all(working);
  assert.deepEqual(got, ["committed", "published", "end"]);
});

test("an event carries the tables of its owner: the outbox works beside other tables", async () => {
  type Tables = OutboxTables & { note: { text: string } };
  const migrations = [outboxMigration, sqlMigration("note", "create table note (text text not null) strict")];
  await using database = await openDatabase<Tables>({ path: ":memory:", migrations });
  const outbox = createOutbox(database);
  await database.transaction(async (tx) => {
    await tx.insertInto("note").values({ text: "x" }).execute();
    await outbox.add(tx, offer("a"));
  });
  assert.equal((await database.query.selectFrom("outbox").select("id").execute()).length, 1);
});

test("a relay that is woken for ever does not grow", async () => {
  await using database = await open(":memory:");
  const outbox = createOutbox(database);
  const published = createPulse();
  const stop = new AbortController();
  const relaying = outbox.relay({ publish: async () => published.beat() }, { signal: stop.signal });
  const publish = async (times: number) => {
    for (let i = 0; i < times; i++) {
      const seen = published.version;
      await database.transaction((tx) => outbox.add(tx, offer("a")));
      await published.changed(seen);
      // Once the outbox is seen empty, the relay sees it too and waits again.
      while ((await database.query.selectFrom("outbox").select("id").execute()).length > 0) await turn();
      await turn();
    }
  };
  const grown = await heapGrowth(() => publish(2_000));
  stop.abort();
  await relaying;
  assert.ok(grown < 80_000, `grew by ${grown} bytes`);
});
