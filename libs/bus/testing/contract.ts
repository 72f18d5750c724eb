import assert from "node:assert/strict";
import { test } from "node:test";
import { context, SpanKind, trace } from "@opentelemetry/api";
import { within } from "#libs/concurrency";
import { deferred, recordSpans, waitFor } from "#libs/testing";
import { JobOfferedSchema } from "#proto/ratatouille/v1/events_pb.ts";
import {
  type Bus,
  BusRefusedError,
  type ConsumeOptions,
  type Delivery,
  event,
  PoisonError,
  RetryLater,
  topic,
  type WatchedMessage,
} from "../index.ts";

/** A bus under test and a way to talk to it from elsewhere. */
export type BusUnderTest = AsyncDisposable & { bus: Bus };

const work = topic("ratatouille.v1.work.test", JobOfferedSchema);
const other = topic("ratatouille.v1.job.finished", JobOfferedSchema);

const small = topic("ratatouille.v1.work.cpu.small", JobOfferedSchema);
const large = topic("ratatouille.v1.work.cpu.large", JobOfferedSchema);

/** The contract of every implementation of the bus, as tests. `open` gives an empty one. */
export function testBusContract(name: string, open: () => Promise<BusUnderTest>): void {
  const options = (signal: AbortSignal, more: Partial<ConsumeOptions> = {}): ConsumeOptions => ({
    durable: "worker",
    concurrency: 1,
    ackWaitMs: 5_000,
    retryDelayMs: () => 1,
    signal,
    ...more,
  });
  const offer = (id: string, on = work) => event(on, id, { jobId: id });

  test(`${name}: messages wait for their consumer and come in the order they were published`, async () => {
    await using ctx = await open();
    const stop = new AbortController();
    const got: string[] = [];
    for (const id of ["a", "b", "c"]) await ctx.bus.publish(offer(id));
    const consuming = ctx.bus.consume(work, options(stop.signal), async ({ jobId }, { delivery }) => void got.push(`${jobId}${delivery}`));
    await waitFor(() => got.length === 3, { what: "three messages" });
    await ctx.bus.publish(offer("d"));
    await waitFor(() => got.length === 4, { what: "the message published while consuming" });
    stop.abort();
    await consuming;
    assert.deepEqual(got, ["a1", "b1", "c1", "d1"]);
  });

  test(`${name}: a message published twice is one, also after it was handled`, async () => {
    await using ctx = await open();
    const stop = new AbortController();
    const got: string[] = [];
    await ctx.bus.publish(offer("a"));
    await ctx.bus.publish(offer("a"));
    const consuming = ctx.bus.consume(work, options(stop.signal), async ({ jobId }) => void got.push(jobId));
    await waitFor(() => got.length === 1);
    await ctx.bus.publish(offer("a"));
    await ctx.bus.publish(offer("end"));
    await waitFor(() => got.includes("end"), { what: "the message behind the duplicate" });
    stop.abort();
    await consuming;
    assert.deepEqual(got, ["a", "end"]);
  });

  test(`${name}: each message goes to one consumer of a durable, and to each durable`, async () => {
    await using ctx = await open();
    const stop = new AbortController();
    const got: Record<string, string[]> = { one: [], two: [], audit: [] };
    const start = (who: string, durable: string) =>
      ctx.bus.consume(other, options(stop.signal, { durable }), async ({ jobId }) => void got[who]?.push(jobId));
    const consuming = [start("one", "worker"), start("two", "worker"), start("audit", "audit")];
    const ids = Array.from({ length: 20 }, (_, index) => `m${index}`);
    for (const id of ids) await ctx.bus.publish(offer(id, other));
    await waitFor(() => got["one"]!.length + got["two"]!.length === 20 && got["audit"]!.length === 20, {
      what: "20 messages for each durable",
    });
    stop.abort();
    await Promise.all(consuming);
    assert.deepEqual([...got["one"]!, ...got["two"]!].sort(), [...ids].sort());
    assert.deepEqual(got["audit"], ids);
  });

  test(`${name}: a durable takes from several subjects with the hands it has, loses nothing and starves none`, async () => {
    await using ctx = await open();
    const stop = new AbortController();
    const got: string[] = [];
    let running = 0;
    const on = [small, large, other];
    for (let index = 0; index < 12; index++) for (const each of on) await ctx.bus.publish(offer(`${each.subject}/${index}`, each));
    const handle = async ({ jobId }: { jobId: string }) => {
      assert.equal(++running, 1);
      await new Promise((resolve) => setImmediate(resolve));
      running--;
      got.push(jobId);
    };
    const consuming = ctx.bus.consume(on, options(stop.signal), handle);
    await waitFor(() => got.length === 36, { what: "all messages of three subjects" });
    await ctx.bus.publish(offer("late", large));
    await waitFor(() => got.includes("late"), { what: "a message for who waits" });
    stop.abort();
    await consuming;
    assert.equal(new Set(got).size, 37);
    // In the order of publishing, or in turn: nobody waits until another subject is empty.
    for (const each of on) {
      const places = got.flatMap((id, place) => (id.startsWith(each.subject) ? [place] : []));
      assert.ok(places[0]! < 20, `the first of ${each.subject} came as number ${places[0]}`);
      assert.deepEqual(
        places.map((place) => got[place]),
        Array.from({ length: 12 }, (_, index) => `${each.subject}/${index}`),
      );
    }
  });

  test(`${name}: consumers of a durable get only what each asks for`, async () => {
    await using ctx = await open();
    const stop = new AbortController();
    const got: Record<string, string[]> = { both: [], small: [] };
    const gate = deferred();
    const consuming = [
      ctx.bus.consume(small, options(stop.signal), async ({ jobId }) => void got["small"]!.push(jobId)),
      ctx.bus.consume([small, large], options(stop.signal, { concurrency: 2 }), async ({ jobId }) => {
        got["both"]!.push(jobId);
        await gate.promise;
      }),
    ];
    for (let index = 0; index < 8; index++) await ctx.bus.publish(offer(`small/${index}`, small));
    for (let index = 0; index < 4; index++) await ctx.bus.publish(offer(`large/${index}`, large));
    await waitFor(() => got["both"]!.length === 2 && got["small"]!.length >= 6, { what: "the free consumer to do what it can" });
    gate.resolve();
    await waitFor(() => got["both"]!.length + got["small"]!.length === 12, { what: "the rest" });
    stop.abort();
    await Promise.all(consuming);
    assert.deepEqual(got["both"]!.filter((id) => id.startsWith("large")).sort(), ["large/0", "large/1", "large/2", "large/3"]);
  });

  test(`${name}: a subscription takes as many as it is allowed to, which may become more, fewer and none`, async () => {
    await using ctx = await open();
    const ids = ["a", "b", "c", "d"];
    for (const id of ids) await ctx.bus.publish(offer(id));
    await using subscription = await ctx.bus.subscribe({ durable: "worker", subjects: [work.subject], concurrency: 1, ackWaitMs: 30_000 });
    const got: Delivery[] = [];
    const reading = (async () => {
      for await (const delivery of subscription) got.push(delivery);
    })();
    await waitFor(() => got.length === 1, { what: "the first" });
    subscription.limit(3);
    await waitFor(() => got.length === 3, { what: "two more" });
    // Fewer than are in hand: none is taken away, and none comes.
    subscription.limit(0);
    await got[0]?.settle({ type: "ack" });
    await got[1]?.settle({ type: "nak", delayMs: 0 });
    await using other = await ctx.bus.subscribe({ durable: "worker", subjects: [work.subject], concurrency: 2, ackWaitMs: 30_000 });
    const elsewhere = other[Symbol.asyncIterator]();
    const rest = [await elsewhere.next(), await elsewhere.next()].map(({ value }) => (value as Delivery).message.id);
    assert.deepEqual(rest.sort(), ["b", "d"]);
    assert.deepEqual(
      got.map(({ message }) => message.id),
      ["a", "b", "c"],
    );
    // What is in hand counts, what is settled does not.
    assert.deepEqual(await Promise.all([work, small].map(({ subject }) => ctx.bus.unsettled(subject))), [3, 0]);
    subscription.stop();
    await reading;
  });

  test(`${name}: a watcher sees events from now on, or from a time on, and takes them from nobody`, async () => {
    await using ctx = await open();
    const startedMs = Date.now();
    await ctx.bus.publish(offer("before", other));
    const consumed = new AbortController();
    const handled: string[] = [];
    const consuming = ctx.bus.consume(other, options(consumed.signal), async ({ jobId }) => void handled.push(jobId));
    await waitFor(() => handled.includes("before"), { what: "the durable to be done with it" });
    await using live = watchAll(ctx.bus, [other.subject, "ratatouille.v1.run.finished"]);
    // Following begins a little after it is asked for.
    await waitFor(
      async () => {
        await ctx.bus.publish(offer(`knock ${performance.now()}`, other));
        return live.ids().length > 0;
      },
      { intervalMs: 20, what: "the watcher to follow" },
    );
    await ctx.bus.publish(offer("after", other));
    await ctx.bus.publish(offer("after", other));
    await ctx.bus.publish(event(topic("ratatouille.v1.run.finished", JobOfferedSchema), "run", { jobId: "run" }));
    await waitFor(() => live.ids().includes("after") && live.ids().includes("run"), { what: "what was published later" });
    assert.ok(!live.ids().includes("before"));
    await using back = watchAll(ctx.bus, [other.subject], startedMs - 1000);
    await waitFor(() => back.ids().includes("after"), { what: "what was published before" });
    assert.equal(back.ids()[0], "before");
    assert.equal(new Set(back.ids()).size, back.ids().length);
    const { atMs, payload, headers } = back.seen[0]!;
    assert.ok(Math.abs(atMs - startedMs) < 60_000, `it was stored at ${atMs}`);
    assert.deepEqual([...payload], [...offer("before", other).payload]);
    assert.equal(headers["ratatouille-type"], "ratatouille.v1.JobOffered");
    await waitFor(() => handled.includes("after"), { what: "the durable, which lost nothing to watchers" });
    consumed.abort();
    await consuming;
  });

  test(`${name}: what is published while a watcher asks since when is seen by it`, async () => {
    await using ctx = await open();
    const stop = new AbortController();
    const watcher = ctx.bus.watch({ subjects: [other.subject], sinceMs: 0, signal: stop.signal })[Symbol.asyncIterator]();
    const first = watcher.next();
    await ctx.bus.publish(offer("meanwhile", other));
    const seen = await within(10_000, first);
    stop.abort();
    assert.equal(seen?.value?.id, "meanwhile");
  });

  test(`${name}: a watcher may leave at any time`, async () => {
    await using ctx = await open();
    await ctx.bus.publish(offer("a", other));
    await ctx.bus.publish(offer("b", other));
    const forever = new AbortController();
    for await (const { id } of ctx.bus.watch({ subjects: [other.subject], sinceMs: 0, signal: forever.signal })) {
      assert.equal(id, "a");
      break;
    }
    const gone = AbortSignal.abort();
    for await (const message of ctx.bus.watch({ subjects: [other.subject], sinceMs: 0, signal: gone })) assert.fail(message.id);
  });

  test(`${name}: a bus that works passes its check, and one that is closed does not`, async () => {
    const ctx = await open();
    await using _ctx = ctx;
    await ctx.bus.check();
    await ctx.bus[Symbol.asyncDispose]();
    await assert.rejects(ctx.bus.check(), /closed/);
    await assert.rejects(ctx.bus.publish(offer("a")), /closed/);
  });

  test(`${name}: what no bus can have is refused with the field and the value, and harms nobody`, async () => {
    await using ctx = await open();
    const wish = { durable: "worker", subjects: [work.subject], concurrency: 1, ackWaitMs: 30_000 };
    const wrong: [RegExp, Partial<typeof wish>][] = [
      [/durable.*a\.b/, { durable: "a.b" }],
      [/durable.*at most 64; got "d{79}…"/, { durable: "d".repeat(5000) }],
      [/durable.*PUB/, { durable: "a\r\nPUB x 1\r\nx\r\nb" }],
      [/durable/, { durable: "a b" }],
      [/durable/, { durable: "a*b" }],
      [/durable/, { durable: "a>b" }],
      [/durable/, { durable: "é" }],
      [/subjects.*got 0/, { subjects: [] }],
      [/subjects/, { subjects: ["ratatouille.v1.>"] }],
      [/subjects/, { subjects: ["a b"] }],
      [/subjects/, { subjects: [`ratatouille.v1.work.cpu.${"x".repeat(5000)}`] }],
      [/subjects.*got 101/, { subjects: Array.from({ length: 101 }, (_, i) => `ratatouille.v1.work.cpu.${i}`) }],
      [/concurrency/, { concurrency: 0 }],
      [/concurrency.*1001/, { concurrency: 1001 }],
      [/ackWaitMs.*got 0/, { ackWaitMs: 0 }],
      [/ackWaitMs.*from 1 to 86400000; got 2147483648/, { ackWaitMs: 2 ** 31 }],
    ];
    for (const [message, options] of wrong) {
      await assert.rejects(ctx.bus.subscribe({ ...wish, ...options }), message);
      const topics = (options.subjects ?? wish.subjects).map((subject) => ({ ...work, subject }));
      const consumed = { ...wish, ...options, signal: AbortSignal.timeout(30_000) };
      await assert.rejects(
        ctx.bus.consume(topics, consumed, async () => undefined),
        message,
      );
    }
    const gone = AbortSignal.timeout(30_000);
    for (const [message, options] of [
      [/subjects/, { subjects: ["a*"] }],
      [/sinceMs/, { subjects: [other.subject], sinceMs: -1 }],
      [/sinceMs/, { subjects: [other.subject], sinceMs: 1e17 }],
    ] as const)
      await assert.rejects(
        ctx.bus
          .watch({ ...options, signal: gone })
          [Symbol.asyncIterator]()
          .next(),
        message,
      );
    const good = offer("good");
    for (const message of [
      { ...good, id: "" },
      { ...good, id: "a\nb" },
      { ...good, subject: "ratatouille.v1.work.*" },
      { ...good, headers: { "a b": "x" } },
      { ...good, headers: { "a:b": "x" } },
      { ...good, headers: { a: "x\r\nb: y" } },
      { ...good, headers: { a: "x".repeat(1_000_000) } },
      { ...good, payload: new Uint8Array(1_000_000) },
    ])
      await assert.rejects(ctx.bus.publish(message), BusRefusedError);
    await ctx.bus.check();
    const stop = new AbortController();
    const got: string[] = [];
    await ctx.bus.publish(good);
    const consuming = ctx.bus.consume(work, options(stop.signal), async ({ jobId }) => void got.push(jobId));
    await waitFor(() => got.length === 1, { what: "a message after all that" });
    stop.abort();
    await consuming;
  });

  test(`${name}: at most \`concurrency\` handlers run at once, and a busy consumer does not hoard`, async () => {
    await using ctx = await open();
    const stop = new AbortController();
    const gate = deferred();
    let running = 0;
    let most = 0;
    const done: string[] = [];
    for (let index = 0; index < 6; index++) await ctx.bus.publish(offer(`m${index}`));
    const blocked = ctx.bus.consume(work, options(stop.signal, { concurrency: 2 }), async ({ jobId }) => {
      most = Math.max(most, ++running);
      await gate.promise;
      running--;
      done.push(jobId);
    });
    await waitFor(() => running === 2, { what: "two handlers" });
    const quick: string[] = [];
    const free = ctx.bus.consume(work, options(stop.signal), async ({ jobId }) => void quick.push(jobId));
    await waitFor(() => quick.length === 4, { what: "the other consumer to do the rest" });
    gate.resolve();
    await waitFor(() => done.length === 2);
    stop.abort();
    await Promise.all([blocked, free]);
    assert.equal(most, 2);
    assert.deepEqual([...done, ...quick].sort(), ["m0", "m1", "m2", "m3", "m4", "m5"]);
  });

  test(`${name}: a failed message comes again after its delay, RetryLater after its own`, async () => {
    await using ctx = await open();
    const stop = new AbortController();
    const times: number[] = [];
    await ctx.bus.publish(offer("a"));
    const consuming = ctx.bus.consume(work, options(stop.signal, { retryDelayMs: () => 100 }), async (_message, { delivery }) => {
      times.push(performance.now());
      if (delivery === 1) throw new Error("not yet");
      if (delivery === 2) throw new RetryLater(300);
    });
    await waitFor(() => times.length === 3, { what: "three deliveries" });
    stop.abort();
    await consuming;
    const [first, second, third] = times as [number, number, number];
    assert.ok(second - first >= 95 && second - first < 3_000, `delay ${second - first}`);
    assert.ok(third - second >= 295 && third - second < 3_000, `delay ${third - second}`);
  });

  test(`${name}: what fails too often or is poison goes to the dead letters, with the reason`, async () => {
    await using ctx = await open();
    const stop = new AbortController();
    const deliveries: string[] = [];
    await ctx.bus.publish(offer("fails"));
    await ctx.bus.publish(offer("poison"));
    await ctx.bus.publish({ ...offer("garbage"), payload: Uint8Array.of(255, 255, 255) });
    const consuming = ctx.bus.consume(work, options(stop.signal, { maxDeliver: 3 }), async ({ jobId }, { delivery }) => {
      deliveries.push(`${jobId}${delivery}`);
      if (jobId === "poison") throw new PoisonError("never");
      throw new Error("broken");
    });
    const dead = await waitFor(async () => {
      const letters = await ctx.bus.deadLetters();
      return letters.length === 3 && letters;
    });
    stop.abort();
    await consuming;
    assert.deepEqual(deliveries.sort(), ["fails1", "fails2", "fails3", "poison1"]);
    const byId = new Map(dead.map((letter) => [letter.message.id, letter]));
    assert.equal(byId.get("fails")?.reason, "failed 3 times, last: broken");
    assert.equal(byId.get("fails")?.deliveries, 3);
    assert.equal(byId.get("poison")?.reason, "never");
    assert.match(byId.get("garbage")?.reason ?? "", /is no ratatouille\.v1\.JobOffered/);
    assert.equal(byId.get("poison")?.durable, "worker");
    assert.deepEqual([...byId.get("poison")!.message.payload], [...offer("poison").payload]);
    assert.equal(byId.get("poison")?.message.subject, work.subject);
  });

  test(`${name}: a delivery that nobody settles comes again after the ack wait; working keeps it`, async () => {
    await using ctx = await open();
    const stop = new AbortController();
    await ctx.bus.publish(offer("lost"));
    await using silent = await ctx.bus.subscribe({ durable: "worker", subjects: [work.subject], concurrency: 1, ackWaitMs: 1_000 });
    const iterator = silent[Symbol.asyncIterator]();
    const lost = (await iterator.next()).value!;
    assert.equal(lost.delivery, 1);
    silent.stop();
    const got: number[] = [];
    const seen = deferred();
    const consuming = ctx.bus.consume(work, options(stop.signal, { ackWaitMs: 1_000 }), async (_message, { delivery }) => {
      got.push(delivery);
      await seen.promise;
    });
    await waitFor(() => got.length === 1, { what: "the second delivery" });
    await lost.settle({ type: "nak", delayMs: 0 }); // late: changes nothing
    const started = performance.now();
    await waitFor(() => performance.now() - started > 2_200, { what: "the handler to outlive two ack waits" });
    assert.deepEqual(got, [2]);
    seen.resolve();
    stop.abort();
    await consuming;
  });

  test(`${name}: disposing a subscription hands back what it has in hand, at once`, async () => {
    await using ctx = await open();
    await ctx.bus.publish(offer("a"));
    const subscription = { durable: "worker", subjects: [work.subject], concurrency: 1, ackWaitMs: 60_000 };
    {
      await using first = await ctx.bus.subscribe(subscription);
      const { value } = await first[Symbol.asyncIterator]().next();
      assert.equal(value?.delivery, 1);
    }
    await using second = await ctx.bus.subscribe(subscription);
    const { value } = await second[Symbol.asyncIterator]().next();
    assert.equal(value?.delivery, 2);
    await value?.settle({ type: "ack" });
  });

  test(`${name}: consume ends when its signal aborts, after its handlers, and leaves the rest to others`, async () => {
    await using ctx = await open();
    const stop = new AbortController();
    const gate = deferred();
    const seen: string[] = [];
    let aborted = false;
    for (const id of ["a", "b", "c"]) await ctx.bus.publish(offer(id));
    let ended = false;
    const consuming = ctx.bus
      .consume(work, options(stop.signal), async ({ jobId }, { signal }) => {
        seen.push(jobId);
        signal.addEventListener("abort", () => (aborted = true));
        await gate.promise;
      })
      .then(() => (ended = true));
    await waitFor(() => seen.length === 1);
    stop.abort();
    assert.equal(aborted, true);
    assert.equal(ended, false);
    gate.resolve();
    await consuming;
    assert.deepEqual(seen, ["a"]);
    const again = new AbortController();
    const rest: string[] = [];
    const consumingRest = ctx.bus.consume(work, options(again.signal), async ({ jobId }) => void rest.push(jobId));
    await waitFor(() => rest.length === 2, { what: "the two that were left" });
    again.abort();
    await consumingRest;
    assert.deepEqual(rest, ["b", "c"]);
  });

  test(`${name}: a handler runs in a span below the one that published`, async () => {
    await using ctx = await open();
    await using tracing = recordSpans();
    const stop = new AbortController();
    const inside = deferred<string>();
    const traceId = "0af7651916cd43dd8448eb211c80319c";
    const parent = trace.setSpanContext(context.active(), { traceId, spanId: "b7ad6b7169203331", traceFlags: 1 });
    await context.with(parent, () => ctx.bus.publish(offer("a")));
    const consuming = ctx.bus.consume(work, options(stop.signal), async (_message, { headers }) => {
      assert.equal(headers["traceparent"], `00-${traceId}-b7ad6b7169203331-01`);
      inside.resolve(trace.getActiveSpan()?.spanContext().traceId ?? "none");
    });
    assert.equal(await inside.promise, traceId);
    stop.abort();
    await consuming;
    const span = await waitFor(() => tracing.spans().find(({ name }) => name === `process ${work.subject}`));
    assert.equal(span.kind, SpanKind.CONSUMER);
    assert.equal(span.parentSpanContext?.spanId, "b7ad6b7169203331");
  });

  test(`${name}: a free consumer has its next message quickly`, async () => {
    await using ctx = await open();
    const stop = new AbortController();
    const latencies: number[] = [];
    let published = 0;
    const consuming = ctx.bus.consume(work, options(stop.signal), async () => void latencies.push(performance.now() - published));
    for (let index = 0; index < 20; index++) {
      published = performance.now();
      await ctx.bus.publish(offer(`m${index}`));
      await waitFor(() => latencies.length === index + 1, { intervalMs: 1 });
    }
    stop.abort();
    await consuming;
    const median = latencies.sort((a, b) => a - b)[10]!;
    assert.ok(median < 250, `median hand-over ${median} ms`);
  });
}

/** Follows subjects and keeps what it sees. */
function watchAll(bus: Bus, subjects: readonly string[], sinceMs?: number) {
  const stop = new AbortController();
  const seen: WatchedMessage[] = [];
  const watching = (async () => {
    const since = sinceMs === undefined ? {} : { sinceMs };
    for await (const message of bus.watch({ subjects, ...since, signal: stop.signal })) seen.push(message);
  })();
  return {
    seen,
    ids: () => seen.map(({ id }) => id),
    async [Symbol.asyncDispose]() {
      stop.abort();
      await watching;
    },
  };
}
