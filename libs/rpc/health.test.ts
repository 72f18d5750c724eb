import assert from "node:assert/strict";
import { test } from "node:test";
import { waitFor } from "#libs/testing";
import { Health, HealthCheckResponse_ServingStatus as Status } from "#proto/grpc/health/v1/health_pb.ts";
import { Code, connect, isRpcError, type RpcChannel } from "./index.ts";
import { failure, pair } from "./testing/pair.ts";

const CATALOG = "ratatouille.v1.CatalogService";

test("health knows the server and each service, and no other", async () => {
  await using p = await pair({});
  const health = p.channel.client(Health);
  const status = async (service: string) => (await health.check({ service })).status;
  assert.equal(await status(""), Status.SERVING);
  assert.equal(await status(CATALOG), Status.SERVING);
  p.server.setHealth(CATALOG, false);
  assert.deepEqual([await status(CATALOG), await status("")], [Status.NOT_SERVING, Status.SERVING]);
  const { statuses } = await health.list({});
  assert.deepEqual([statuses[CATALOG]?.status, statuses[""]?.status], [Status.NOT_SERVING, Status.SERVING]);
  assert.ok(isRpcError(await failure(health.check({ service: "nobody" })), Code.NOT_FOUND));
});

test("a server that is not ready yet says so, and is live until its end", async () => {
  await using p = await pair({}, { serve: { ready: false } });
  const health = p.channel.client(Health);
  const statuses = () => Promise.all(["", CATALOG, "live"].map(async (service) => (await health.check({ service })).status));
  assert.deepEqual(await statuses(), [Status.NOT_SERVING, Status.NOT_SERVING, Status.SERVING]);
  p.server.setHealth("", true);
  p.server.setHealth("database", false);
  assert.deepEqual(await statuses(), [Status.SERVING, Status.NOT_SERVING, Status.SERVING]);
  assert.equal((await health.check({ service: "database" })).status, Status.NOT_SERVING);
});

test("watching health gives the status at once and every change, up to the drain", async () => {
  await using p = await pair({});
  const watch = p.channel.client(Health).watch({ service: CATALOG }, { timeoutMs: 0 });
  const seen: Status[] = [];
  const ended = await failure(
    (async () => {
      for await (const { status } of watch) {
        seen.push(status);
        if (seen.length === 1) p.server.setHealth(CATALOG, false);
        if (seen.length === 2) p.server.setHealth(CATALOG, true);
        if (seen.length === 3) void p.server.drain(1000);
      }
    })(),
  );
  assert.deepEqual(seen, [Status.SERVING, Status.NOT_SERVING, Status.SERVING, Status.NOT_SERVING]);
  assert.ok(isRpcError(ended, Code.UNAVAILABLE));
});

test("watching a service that is unknown says so and goes on", async () => {
  await using p = await pair({});
  const seen: Status[] = [];
  for await (const { status } of p.channel.client(Health).watch({ service: "later" }, { timeoutMs: 0 })) {
    seen.push(status);
    if (seen.length === 2) break;
    p.server.setHealth("later", true);
  }
  assert.deepEqual(seen, [Status.SERVICE_UNKNOWN, Status.SERVING]);
});

test("health stays open where calls need a token", async () => {
  await using p = await pair({}, { serve: { token: "secret" } });
  assert.equal((await p.channel.client(Health).check({})).status, Status.SERVING);
});

test("callers without the token share a number of watches; who has it, and who only asks, is not held up", async () => {
  await using p = await pair({}, { serve: { token: "secret" } });
  const watch = async (channel: RpcChannel) => {
    const stream = channel.client(Health).watch({ service: CATALOG }, { timeoutMs: 0 })[Symbol.asyncIterator]();
    assert.equal((await stream.next()).value?.status, Status.SERVING);
    return stream;
  };
  const open = await Promise.all(Array.from({ length: 100 }, () => watch(p.channel)));
  assert.ok(isRpcError(await failure(watch(p.channel)), Code.RESOURCE_EXHAUSTED, "WATCH_QUOTA"));
  assert.equal((await p.channel.client(Health).check({})).status, Status.SERVING);
  using known = connect(p.server.address, { token: "secret" });
  await watch(known);
  await open[0]?.return?.();
  await waitFor(
    async () =>
      watch(p.channel).then(
        () => true,
        () => false,
      ),
    { what: "the place of one that left" },
  );
});
