import assert from "node:assert/strict";
import { test } from "node:test";
import { waitFor } from "#libs/testing";
import { JobOfferedSchema } from "#proto/ratatouille/v1/events_pb.ts";
import { event, topic } from "../index.ts";
import type { Delivery, Subscription } from "../types.ts";
import { createLocalQueue } from "./queue.ts";
import { type LocalStore, openLocalStore } from "./store.ts";

const work = topic("ratatouille.v1.work.test", JobOfferedSchema);

/** A queue on a store whose disk may be full: the named operations fail. */
async function queueOnFullDisk(full: Set<keyof LocalStore>, onClaim = () => {}) {
  const store = await openLocalStore(":memory:", [], Date.now());
  const errors: unknown[] = [];
  const failing = { ...store, [Symbol.asyncDispose]: () => store[Symbol.asyncDispose]() };
  for (const name of ["claim", "remove", "release", "nextAvailableMs"] as const) {
    const operation = store[name] as (...args: unknown[]) => Promise<never>;
    Object.assign(failing, {
      [name]: async (...args: unknown[]) => {
        if (name === "claim") onClaim();
        if (full.has(name)) throw new Error(`${name}: the disk is full`);
        return operation(...args);
      },
    });
  }
  const id = await store.queue("worker", work.subject);
  const queue = createLocalQueue({ store: failing, now: Date.now, onError: (error) => errors.push(error) });
  return {
    subscribe: (concurrency: number, ackWaitMs: number) => queue.subscribe([id], concurrency, ackWaitMs),
    wake: queue.wake,
    errors,
    async publish(jobId: string) {
      await store.publish(event(work, jobId, { jobId }), Date.now());
      queue.wake();
    },
    async [Symbol.asyncDispose]() {
      await queue.close();
      await store[Symbol.asyncDispose]();
    },
  };
}

async function next(deliveries: AsyncIterator<Delivery>): Promise<Delivery> {
  const { value, done } = await deliveries.next();
  if (done) throw new Error("the subscription ended");
  return value;
}

const reader = (subscription: Subscription) => subscription[Symbol.asyncIterator]();

test("a queue whose store fails tells of it, tries again, and hands out what waits when the store works again", async () => {
  for (const operation of ["claim", "nextAvailableMs"] as const) {
    const full = new Set<keyof LocalStore>([operation]);
    await using system = await queueOnFullDisk(full);
    await using subscription = system.subscribe(2, 60_000);
    await system.publish("a");
    await waitFor(() => system.errors.length >= 2, { what: "two failures" });
    assert.match(String(system.errors[0]), new RegExp(`${operation}: the disk is full`));
    full.clear();
    assert.equal((await next(reader(subscription))).message.id, "a");
  }
});

test("wakes do not hurry a queue whose store fails", async () => {
  const full = new Set<keyof LocalStore>(["claim"]);
  await using system = await queueOnFullDisk(full);
  await using _subscription = system.subscribe(1, 60_000);
  await waitFor(() => system.errors.length >= 1);
  const before = system.errors.length;
  for (let i = 0; i < 1_000; i++) {
    system.wake();
    await Promise.resolve();
  }
  assert.ok(system.errors.length - before <= 1, `${system.errors.length - before} tries in one turn`);
});

test("a delivery that the store could not settle comes again", async () => {
  const full = new Set<keyof LocalStore>();
  await using system = await queueOnFullDisk(full);
  await using subscription = system.subscribe(1, 100);
  const deliveries = reader(subscription);
  await system.publish("a");
  const first = await next(deliveries);
  full.add("remove").add("release");
  await assert.rejects(first.settle({ type: "ack" }), /remove: the disk is full/);
  await waitFor(() => system.errors.length >= 2, { what: "two vain ends of the lease" });
  full.clear();
  const second = await next(deliveries);
  assert.deepEqual([second.message.id, second.delivery], ["a", 2]);
  await second.settle({ type: "ack" });
});

test("what was claimed for a subscription that is gone is handed to the next one, also after a failure", async () => {
  const full = new Set<keyof LocalStore>(["release"]);
  let first: Subscription | undefined;
  await using system = await queueOnFullDisk(full, () => first?.stop());
  await system.publish("a");
  first = system.subscribe(1, 60_000);
  await waitFor(() => system.errors.length >= 1, { what: "the failure to give it back" });
  full.clear();
  await using second = system.subscribe(1, 60_000);
  assert.equal((await next(reader(second))).message.id, "a");
  await first[Symbol.asyncDispose]();
});
