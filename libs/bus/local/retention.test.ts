import assert from "node:assert/strict";
import { test } from "node:test";
import { openDatabase } from "#libs/storage";
import { temporaryDirectory, waitFor } from "#libs/testing";
import { JobOfferedSchema } from "#proto/ratatouille/v1/events_pb.ts";
import { type Bus, event, openLocalBus, PoisonError, type StreamDeclaration, type Topic, topic } from "../index.ts";
import { DEAD_LETTERS_KEPT, UNWANTED_KEPT } from "./retention.ts";
import { migrations, type Tables } from "./schema.ts";

const HOUR_MS = 3_600_000;
const work = topic("ratatouille.v1.work.test", JobOfferedSchema);
const told = topic("ratatouille.v1.job.finished", JobOfferedSchema);
const other = topic("ratatouille.v1.other", JobOfferedSchema);
const streams: StreamDeclaration[] = [
  { name: "WORK", subjects: [work.subject], retention: "work", maxAgeMs: 0 },
  { name: "EVENTS", subjects: [told.subject], retention: "events", maxAgeMs: 24 * HOUR_MS },
];

/** A bus on a file whose clock is set by hand, and the number of rows in its tables. */
async function openWithClock() {
  const directory = await temporaryDirectory();
  const path = directory.join("bus.sqlite");
  const clock = { ms: 1_700_000_000_000 };
  const errors: unknown[] = [];
  const bus = await openLocalBus({ path, streams, now: () => clock.ms, onError: (error) => errors.push(error) });
  const database = await openDatabase<Tables>({ path, migrations });
  const publish = (on: Topic<typeof JobOfferedSchema>, id: string) => bus.publish(event(on, id, { jobId: id }));
  return {
    bus,
    clock,
    errors,
    publish,
    async count(table: keyof Tables) {
      const rows = await database.query
        .selectFrom(table)
        .select((eb) => eb.fn.countAll<number>().as("count"))
        .executeTakeFirstOrThrow();
      return rows.count;
    },
    async [Symbol.asyncDispose]() {
      await database[Symbol.asyncDispose]();
      await bus[Symbol.asyncDispose]();
      await directory[Symbol.asyncDispose]();
      assert.deepEqual(errors, []);
    },
  };
}

/** Everything that a durable still gets of a topic. */
async function left(bus: Bus, on: Topic<typeof JobOfferedSchema>, last: string): Promise<string[]> {
  const stop = new AbortController();
  const got: string[] = [];
  const consuming = bus.consume(on, { durable: "late", concurrency: 1, signal: stop.signal }, async ({ jobId }) => void got.push(jobId));
  await waitFor(() => got.includes(last), { what: last });
  stop.abort();
  await consuming;
  return got;
}

test("an open bus drops events a day old and their ids, and keeps work until it is done", async () => {
  await using system = await openWithClock();
  for (const on of [work, told, other]) await system.publish(on, `${on.subject}/old`);
  system.clock.ms += 23 * HOUR_MS;
  await system.publish(told, "young");
  assert.deepEqual([await system.count("message"), await system.count("published")], [4, 4]);
  system.clock.ms += 2 * HOUR_MS;
  await system.publish(told, "new");
  await waitFor(async () => (await system.count("published")) === 2, { what: "the end of the old ids" });
  assert.deepEqual(await left(system.bus, told, "new"), ["young", "new"]);
  system.clock.ms += 8 * 24 * HOUR_MS;
  await system.publish(work, "last");
  await waitFor(async () => (await system.count("message")) === 2, { what: "the end of what nobody declared" });
  assert.deepEqual(await left(system.bus, work, "last"), [`${work.subject}/old`, "last"]);
});

test("events that no durable consumes are bounded in number; those that one waits for are not", async () => {
  await using system = await openWithClock();
  await Promise.all(Array.from({ length: UNWANTED_KEPT + 50 }, (_, i) => system.publish(told, `event ${i}`)));
  system.clock.ms += HOUR_MS;
  await system.publish(told, "newest");
  await waitFor(async () => (await system.count("message")) === UNWANTED_KEPT, { what: "the bound" });
  const subscription = await system.bus.subscribe({ durable: "late", subjects: [told.subject], concurrency: 1, ackWaitMs: 60_000 });
  await subscription[Symbol.asyncDispose]();
  await Promise.all(Array.from({ length: 50 }, (_, i) => system.publish(told, `wanted ${i}`)));
  system.clock.ms += HOUR_MS;
  await system.publish(work, "prunes");
  await system.publish(work, "waits for the pruning");
  assert.equal(await system.count("message"), UNWANTED_KEPT + 52);
});

test("dead letters go after a week, and the oldest when there are too many", async () => {
  await using system = await openWithClock();
  const stop = new AbortController();
  const options = { durable: "worker", concurrency: 64, signal: stop.signal };
  const consuming = system.bus.consume(work, options, async () => {
    throw new PoisonError("never");
  });
  await Promise.all(Array.from({ length: DEAD_LETTERS_KEPT + 20 }, (_, i) => system.publish(work, `poison ${i}`)));
  await waitFor(async () => (await system.count("dead_letter")) === DEAD_LETTERS_KEPT + 20, { what: "the dead letters" });
  stop.abort();
  await consuming;
  system.clock.ms += HOUR_MS;
  await system.publish(told, "prunes");
  await waitFor(async () => (await system.count("dead_letter")) === DEAD_LETTERS_KEPT, { what: "the bound" });
  system.clock.ms += 8 * 24 * HOUR_MS;
  await system.publish(told, "prunes again");
  await waitFor(async () => (await system.count("dead_letter")) === 0, { what: "the end of the old ones" });
});
