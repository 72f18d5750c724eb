import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { deferred, freePort } from "#libs/testing";
import { CatalogService } from "#proto/ratatouille/v1/catalog_pb.ts";
import { Code, connect, implement, isRpcError, notFound, serve, unavailable } from "./index.ts";
import { retryDelayMs } from "./retry.ts";
import { collect, failure, pair } from "./testing/pair.ts";

/** A handler that fails with UNAVAILABLE the first `times` times. */
function flaky(times: number) {
  const state = { calls: 0 };
  const handler = () => {
    if (state.calls++ < times) throw unavailable("not yet");
    return {};
  };
  return { state, handler };
}

test("a method without side effects and an idempotent one are tried again until they succeed", async () => {
  const read = flaky(2);
  const pin = flaky(2);
  await using p = await pair({ catalog: { getArtifact: read.handler, pin: pin.handler } });
  await p.catalog.getArtifact({});
  await p.catalog.pin({});
  assert.deepEqual([read.state.calls, pin.state.calls], [3, 3]);
});

test("a method that its proto does not call idempotent is sent once", async () => {
  const move = flaky(1);
  await using p = await pair({ catalog: { moveRef: move.handler } });
  assert.ok(isRpcError(await failure(p.catalog.moveRef({})), Code.UNAVAILABLE));
  assert.equal(move.state.calls, 1);
});

test("only UNAVAILABLE is tried again, and not for ever", async () => {
  let calls = 0;
  const pin = flaky(Number.POSITIVE_INFINITY);
  await using p = await pair({
    catalog: {
      getArtifact() {
        calls++;
        throw notFound("no");
      },
      pin: pin.handler,
    },
  });
  assert.ok(isRpcError(await failure(p.catalog.getArtifact({})), Code.NOT_FOUND));
  assert.equal(calls, 1);
  const began = performance.now();
  assert.ok(isRpcError(await failure(p.catalog.pin({})), Code.UNAVAILABLE));
  const tookMs = performance.now() - began;
  // Longer than a service that was killed takes to come back, with room to spare, and not long enough to look like a hang.
  assert.ok(tookMs > 8000 && tookMs < 15_000, `gave up after ${tookMs} ms`);
  assert.ok(pin.state.calls >= 8 && pin.state.calls <= 24, `${pin.state.calls} calls`);
});

test("retries end with the deadline, and with the signal", async () => {
  const pin = flaky(Number.POSITIVE_INFINITY);
  await using p = await pair({ catalog: { pin: pin.handler } });
  const started = performance.now();
  await failure(p.catalog.pin({}, { timeoutMs: 150 }));
  // Without a deadline it would be ten seconds.
  assert.ok(performance.now() - started < 5000);
  assert.ok(pin.state.calls <= 3);
  const controller = new AbortController();
  const call = failure(p.catalog.pin({}, { signal: controller.signal }));
  controller.abort();
  assert.ok(isRpcError(await call, Code.CANCELLED));
});

test("a stream of replies is tried again before its first message and not after", async () => {
  const calls = { before: 0, after: 0 };
  await using p = await pair({
    catalog: {
      async *downloadBlob({ digest }) {
        if (digest === "before") {
          if (calls.before++ === 0) throw unavailable("not yet");
          yield {};
        } else {
          calls.after++;
          yield {};
          throw unavailable("not any more");
        }
      },
    },
  });
  assert.equal((await collect(p.catalog.downloadBlob({ digest: "before" }, { timeoutMs: 5000 }))).length, 1);
  assert.ok(isRpcError(await failure(collect(p.catalog.downloadBlob({ digest: "after" }, { timeoutMs: 5000 }))), Code.UNAVAILABLE));
  assert.deepEqual(calls, { before: 2, after: 1 });
});

test("a call to a server that starts a moment later, or again, succeeds", async () => {
  const port = await freePort();
  const address = `127.0.0.1:${port}`;
  const services = [implement(CatalogService, { getArtifact: () => ({}) })];
  using channel = connect(address);
  const catalog = channel.client(CatalogService);
  const early = catalog.getArtifact({});
  assert.ok(isRpcError(await failure(channel.ready(50)), Code.UNAVAILABLE, "NOT_CONNECTED"));
  {
    await using _ = await serve({ address, services });
    await early;
    await catalog.getArtifact({});
  }
  const again = catalog.getArtifact({});
  await using _ = await serve({ address, services });
  await again;
});

test("a server that dies in the middle of an idempotent call: the call is sent to its successor", async () => {
  const address = `127.0.0.1:${await freePort()}`;
  const arrived = deferred();
  const first = await serve({
    address,
    services: [
      implement(CatalogService, {
        async getArtifact(_, { signal }) {
          arrived.resolve();
          await sleep(20_000, undefined, { signal });
          return {};
        },
      }),
    ],
  });
  using channel = connect(address);
  const call = channel.client(CatalogService).getArtifact({});
  await arrived.promise;
  await first.drain(0);
  await using _ = await serve({
    address,
    services: [implement(CatalogService, { getArtifact: () => ({ artifact: { digest: "second" } }) })],
  });
  assert.equal((await call).artifact?.digest, "second");
});

test("pauses double up to 1 s, with jitter between half and whole", () => {
  assert.deepEqual(
    [1, 2, 3, 4, 5, 6, 9].map((n) => retryDelayMs(n, 0)),
    [50, 100, 200, 400, 500, 500, 500],
  );
  assert.equal(retryDelayMs(1, 0.999), 99.95);
});
