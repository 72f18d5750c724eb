import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { createPulse } from "#libs/concurrency";
import { deferred, heapGrowth, waitFor } from "#libs/testing";
import { type CallContext, Code, isRpcError, notFound, RpcError } from "./index.ts";
import { collect, failure, pair } from "./testing/pair.ts";

// What grpc-js does that surprised people. Each test is one of them, over a real socket.

const KIB = 1024;

/** Chunks for an upload; counts how many were taken, says when the source was closed. */
function source(count: number, bytes = 64 * KIB) {
  const state = { taken: 0, closed: false };
  async function* chunks() {
    try {
      for (; state.taken < count; state.taken++) yield { part: { case: "chunk" as const, value: new Uint8Array(bytes) } };
    } finally {
      state.closed = true;
    }
  }
  return { state, chunks };
}

/** Waits until a counter has not moved for 300 ms and returns it. */
async function standstill(counter: () => number): Promise<number> {
  let last = counter();
  let since = performance.now();
  await waitFor(
    () => {
      if (counter() !== last) {
        last = counter();
        since = performance.now();
      }
      return last > 0 && performance.now() - since > 300;
    },
    { what: "a standstill" },
  );
  return last;
}

test("a handler that leaves its requests early by return still answers, and the source of the requests is closed", async () => {
  await using p = await pair({
    catalog: {
      async uploadBlob(requests) {
        for await (const _ of requests) return { digest: "enough" };
        return { digest: "none" };
      },
    },
  });
  const { state, chunks } = source(100_000);
  const started = performance.now();
  assert.equal((await p.catalog.uploadBlob(chunks(), { timeoutMs: 20_000 })).digest, "enough");
  assert.ok(performance.now() - started < 5000);
  await waitFor(() => state.closed, { what: "the closing of the source" });
  assert.ok(state.taken < 100_000);
});

test("a handler that leaves its requests early by throw answers at once", async () => {
  await using p = await pair({
    catalog: {
      async uploadBlob(requests) {
        for await (const _ of requests) throw notFound("not here");
        return {};
      },
    },
  });
  const started = performance.now();
  const failed = await failure(p.catalog.uploadBlob(source(100_000).chunks(), { timeoutMs: 20_000 }));
  assert.ok(isRpcError(failed, Code.NOT_FOUND));
  assert.ok(performance.now() - started < 5000);
});

test("a bidirectional handler that leaves early ends the stream with OK", async () => {
  await using p = await pair({
    averaging: {
      async *contribute(requests) {
        for await (const _ of requests) {
          yield {};
          return;
        }
      },
    },
  });
  const endless = async function* () {
    yield { part: { case: "header" as const, value: {} } };
    await new Promise(() => {});
  };
  assert.equal((await collect(p.averaging.contribute(endless(), { timeoutMs: 20_000 }))).length, 1);
});

test("unary calls read to the end: thousands on one connection do not exhaust the budget of stream resets", async () => {
  const peers = new Set<string>();
  await using p = await pair({
    catalog: {
      getArtifact(_, { peer }) {
        peers.add(peer);
        return {};
      },
    },
  });
  for (let round = 0; round < 30; round++) await Promise.all(Array.from({ length: 50 }, () => p.catalog.getArtifact({})));
  assert.equal(peers.size, 1, "a lost connection would have been replaced by another");
});

test("thousands of cancels on one connection end neither it nor the calls beside them", async () => {
  const peers = new Set<string>();
  await using p = await pair({
    catalog: {
      async *downloadBlob(_, { signal, peer }) {
        peers.add(peer);
        yield {};
        await new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
      },
    },
  });
  const cancel = async () => {
    for await (const _ of p.catalog.downloadBlob({}, { timeoutMs: 0 })) break;
  };
  // Deno cannot be told to take more than 1,000 at once.
  const rounds = "Deno" in globalThis ? 30 : 60;
  for (let round = 0; round < rounds; round++) await Promise.all(Array.from({ length: 25 }, cancel));
  assert.equal(peers.size, 1, "a lost connection would have been replaced by another");
});

test("breaking out of a stream cancels the call on the server", async () => {
  const left = deferred<unknown>();
  await using p = await pair({
    catalog: {
      async *downloadBlob(_, { signal }) {
        try {
          for (;;) {
            signal.throwIfAborted();
            yield { chunk: new Uint8Array(10) };
            await sleep(1, undefined, { signal });
          }
        } finally {
          left.resolve(signal.reason);
        }
      },
    },
  });
  for await (const _ of p.catalog.downloadBlob({}, { timeoutMs: 0 })) break;
  assert.ok(isRpcError(await left.promise, Code.CANCELLED));
});

test("a producer that never waits still learns that the caller left", async () => {
  const left = deferred();
  await using p = await pair({
    catalog: {
      async *downloadBlob() {
        try {
          for (;;) yield { chunk: new Uint8Array(1) };
        } finally {
          left.resolve();
        }
      },
    },
  });
  for await (const _ of p.catalog.downloadBlob({}, { timeoutMs: 0 })) break;
  await left.promise;
});

test("the end of a good call does not look like a cancellation", async () => {
  const contexts: CallContext[] = [];
  const keep = (context: CallContext) => {
    contexts.push(context);
    return {};
  };
  await using p = await pair({
    catalog: {
      getArtifact: (_, context) => keep(context),
      async *downloadBlob(_, context) {
        yield keep(context);
      },
    },
  });
  await p.catalog.getArtifact({});
  await collect(p.catalog.downloadBlob({}, { timeoutMs: 5000 }));
  // Another round trip, so that what grpc-js emits after the end has been emitted.
  await p.catalog.getArtifact({});
  assert.deepEqual(
    contexts.slice(0, 2).map(({ signal }) => signal.aborted),
    [false, false],
  );
});

test("calls leave no listener on a signal that outlives them", async () => {
  const controller = new AbortController();
  const { signal } = controller;
  let listeners = 0;
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  signal.addEventListener = (...args: Parameters<typeof add>) => {
    listeners++;
    add(...args);
  };
  signal.removeEventListener = (...args: Parameters<typeof remove>) => {
    listeners--;
    remove(...args);
  };
  await using p = await pair({
    catalog: {
      getArtifact: () => ({}),
      moveRef() {
        throw notFound("no ref");
      },
      async *downloadBlob(_, { signal: callSignal }) {
        yield {};
        await sleep(20_000, undefined, { signal: callSignal });
      },
    },
  });
  for (let i = 0; i < 20; i++) {
    await p.catalog.getArtifact({}, { signal });
    await failure(p.catalog.moveRef({}, { signal }));
    for await (const _ of p.catalog.downloadBlob({}, { signal, timeoutMs: 0 })) break;
  }
  assert.equal(listeners, 0);
  const running = p.catalog.getArtifact({}, { signal });
  assert.ok(listeners > 0, "a running call listens");
  await running;
});

test("a stream that lives for ever keeps nothing of the messages that went through it", async () => {
  await using p = await pair({
    averaging: {
      async *contribute(requests) {
        for await (const _ of requests) yield {};
      },
    },
  });
  const turn = createPulse();
  async function* requests() {
    for (;;) {
      const seen = turn.version;
      yield {};
      await turn.changed(seen);
    }
  }
  const replies = p.averaging.contribute(requests(), { timeoutMs: 0 })[Symbol.asyncIterator]();
  const exchange = async (times: number) => {
    for (let i = 0; i < times; i++) {
      await replies.next();
      turn.beat();
    }
  };
  const grown = await heapGrowth(() => exchange(4_000));
  await replies.return?.();
  assert.ok(grown < 500_000, `grew by ${grown} bytes`);
});

test("a slow reader holds the server's producer", async () => {
  let produced = 0;
  await using p = await pair({
    catalog: {
      async *downloadBlob() {
        for (; produced < 1000; produced++) yield { chunk: new Uint8Array(64 * KIB) };
      },
    },
  });
  let received = 0;
  for await (const _ of p.catalog.downloadBlob({}, { timeoutMs: 0 })) {
    if (received++ > 0) continue;
    // 8 MiB of window are 128 chunks; buffers of streams and sockets come on top.
    const held = await standstill(() => produced);
    assert.ok(held < 500, `the producer was held at ${held} of 1000 chunks`);
  }
  assert.equal(received, 1000);
});

test("a slow handler holds the client's producer", async () => {
  const go = deferred();
  await using p = await pair({
    catalog: {
      async uploadBlob(requests) {
        let count = 0n;
        for await (const _ of requests) if (count++ === 0n) await go.promise;
        return { sizeBytes: count };
      },
    },
  });
  const { state, chunks } = source(1000);
  const reply = p.catalog.uploadBlob(chunks(), { timeoutMs: 20_000 });
  const held = await standstill(() => state.taken);
  assert.ok(held < 500, `the producer was held at ${held} of 1000 chunks`);
  go.resolve();
  assert.equal((await reply).sizeBytes, 1000n);
});

test("a deadline ends the call on both sides", async () => {
  const ended = deferred<unknown>();
  let deadline: Date | undefined;
  await using p = await pair({
    catalog: {
      async getArtifact(_, context) {
        deadline = context.deadline;
        await sleep(20_000, undefined, { signal: context.signal }).catch(() => ended.resolve(context.signal.reason));
        return {};
      },
    },
  });
  const started = Date.now();
  const failed = await failure(p.catalog.getArtifact({}, { timeoutMs: 200 }));
  assert.ok(isRpcError(failed, Code.DEADLINE_EXCEEDED));
  assert.match(failed.message, /GetArtifact on 127\.0\.0\.1:\d+ did not finish within 200 ms/);
  assert.ok(Date.now() - started < 2000);
  // The server's own clock, or the client that leaves: whichever is first.
  const reason = await ended.promise;
  assert.ok(isRpcError(reason, Code.DEADLINE_EXCEEDED) || isRpcError(reason, Code.CANCELLED), String(reason));
  assert.ok(deadline !== undefined && Math.abs(deadline.getTime() - started - 200) < 1000);
});

test("a stream has no deadline when it says so, and fails without saying", async () => {
  const deadlines: (Date | undefined)[] = [];
  await using p = await pair({
    catalog: {
      async *downloadBlob(_, { deadline }) {
        deadlines.push(deadline);
        yield {};
      },
    },
  });
  await collect(p.catalog.downloadBlob({}, { timeoutMs: 0 }));
  assert.deepEqual(deadlines, [undefined]);
  // @ts-expect-error: timeoutMs is missing
  assert.throws(() => p.catalog.downloadBlob({}, {}), { code: Code.INVALID_ARGUMENT, reason: "TIMEOUT_MISSING" });
  assert.ok(isRpcError(await failure(p.catalog.getArtifact({}, { timeoutMs: 0 })), Code.INVALID_ARGUMENT));
});

test("a stream that falls silent ends by its idle timeout, a slow one does not", async () => {
  await using p = await pair({
    catalog: {
      async *downloadBlob({ digest }, { signal }) {
        for (let i = 0; i < 4; i++) {
          yield {};
          await sleep(digest === "slow" ? 350 : 20_000, undefined, { signal });
        }
      },
    },
  });
  const options = { timeoutMs: 0, idleTimeoutMs: 1000 };
  assert.equal((await collect(p.catalog.downloadBlob({ digest: "slow" }, options))).length, 4);
  const failed = await failure(collect(p.catalog.downloadBlob({ digest: "silent" }, options)));
  assert.ok(isRpcError(failed, Code.DEADLINE_EXCEEDED, "IDLE_TIMEOUT"));
});

test("aborting an upload tells the caller at once, and to the handler it does not look complete", async () => {
  const reasons: unknown[] = [];
  const began = deferred();
  await using p = await pair({
    catalog: {
      async uploadBlob(requests, { signal }) {
        try {
          for await (const _ of requests) began.resolve();
        } catch (error) {
          reasons.push(error, signal.reason);
        }
        return {};
      },
    },
  });
  const controller = new AbortController();
  const silent = async function* () {
    yield { part: { case: "header" as const, value: {} } };
    await new Promise(() => {});
  };
  const call = failure(p.catalog.uploadBlob(silent(), { signal: controller.signal, timeoutMs: 0 }));
  await began.promise;
  controller.abort();
  const failed = await call;
  assert.ok(isRpcError(failed, Code.CANCELLED));
  await waitFor(() => reasons.length === 2, { what: "the handler" });
  assert.ok(reasons.every((reason) => isRpcError(reason, Code.CANCELLED)));
  const late = await failure(p.catalog.getArtifact({}, { signal: controller.signal }));
  assert.ok(isRpcError(late, Code.CANCELLED), "an aborted signal sends nothing");
});

test("an AbortError of a handler is CANCELLED, a timeout of its own DEADLINE_EXCEEDED", async () => {
  await using p = await pair({
    catalog: {
      async getArtifact() {
        await sleep(20_000, undefined, { signal: AbortSignal.abort() });
        return {};
      },
      moveRef() {
        throw new DOMException("slow", "TimeoutError");
      },
    },
  });
  assert.ok(isRpcError(await failure(p.catalog.getArtifact({})), Code.CANCELLED));
  assert.ok(isRpcError(await failure(p.catalog.moveRef({})), Code.DEADLINE_EXCEEDED));
});

test("a request stream that fails cancels the call and gives its own error", async () => {
  const began = deferred();
  const ended = deferred<unknown>();
  await using p = await pair({
    catalog: {
      async uploadBlob(requests, { signal }) {
        try {
          for await (const _ of requests) began.resolve();
        } finally {
          ended.resolve(signal.reason);
        }
        return {};
      },
    },
  });
  const disk = new Error("the disk is gone");
  const broken = async function* () {
    yield { part: { case: "header" as const, value: {} } };
    await began.promise;
    throw disk;
  };
  assert.equal(await failure(p.catalog.uploadBlob(broken(), { timeoutMs: 5000 })), disk);
  assert.ok(isRpcError(await ended.promise, Code.CANCELLED));
});

test("a message of more than 4 MiB is refused where it is made, in both directions", async () => {
  await using p = await pair({
    catalog: {
      publishArtifact: () => ({}),
      async *downloadBlob({ length }) {
        yield { chunk: new Uint8Array(Number(length)) };
      },
    },
  });
  const big = 4 * KIB * KIB;
  const sent = await failure(p.catalog.publishArtifact({ manifest: new Uint8Array(big) }));
  const received = await failure(collect(p.catalog.downloadBlob({ length: BigInt(big) }, { timeoutMs: 5000 })));
  for (const failed of [sent, received]) assert.ok(failed instanceof RpcError && failed.reason === "MESSAGE_TOO_LARGE");
  assert.equal((await collect(p.catalog.downloadBlob({ length: BigInt(big - 10) }, { timeoutMs: 5000 }))).length, 1);
});
