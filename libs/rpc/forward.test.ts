import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { create } from "@bufbuild/protobuf";
import { anyPack, anyUnpack, DurationSchema } from "@bufbuild/protobuf/wkt";
import { Client, credentials, Metadata } from "@grpc/grpc-js";
import { deferred, freePort, waitFor } from "#libs/testing";
import { AveragingService } from "#proto/ratatouille/v1/averaging_pb.ts";
import { CatalogService } from "#proto/ratatouille/v1/catalog_pb.ts";
import { type CallContext, Code, connect, forward, implement, invalidArgument, isRpcError, routeClients, serve } from "./index.ts";
import { collect, failure, pair } from "./testing/pair.ts";

type Handlers = Parameters<typeof pair>[0];

/** A server with handlers behind a gateway that asks for another token, and a client of the gateway. */
async function behind(handlers: Handlers) {
  await using opening = new AsyncDisposableStack();
  const p = opening.use(await pair(handlers, { serve: { token: "inner" } }));
  const inner = opening.use(connect(p.server.address, { token: "inner" }));
  const services = [forward(CatalogService, inner), forward(AveragingService, inner)];
  const gateway = opening.use(await serve({ address: "127.0.0.1:0", services, token: "outer", drainMs: 0 }));
  const channel = opening.use(connect(gateway.address, { token: "outer" }));
  const open = opening.move();
  return {
    address: gateway.address,
    ...{ server: p.server, catalog: channel.client(CatalogService), averaging: channel.client(AveragingService) },
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}

test("calls of every kind reach the other side and their replies come back", async () => {
  await using p = await behind({
    catalog: {
      getArtifact: ({ name }) => ({ artifact: { digest: String(name.value) } }),
      async *downloadBlob({ length }) {
        for (let i = 0; i < Number(length); i++) yield { chunk: Uint8Array.of(i) };
      },
      async uploadBlob(requests) {
        let sizeBytes = 0n;
        for await (const { part } of requests) if (part.case === "chunk") sizeBytes += BigInt(part.value.length);
        return { sizeBytes };
      },
    },
    averaging: {
      async *contribute(requests) {
        for await (const _ of requests) yield {};
      },
    },
  });
  assert.equal((await p.catalog.getArtifact({ name: { case: "ref", value: "a" } })).artifact?.digest, "a");
  const chunks = await collect(p.catalog.downloadBlob({ length: 3n }, { timeoutMs: 5000 }));
  assert.deepEqual(
    chunks.map(({ chunk }) => chunk[0]),
    [0, 1, 2],
  );
  const parts = Array.from({ length: 5 }, () => ({ part: { case: "chunk" as const, value: new Uint8Array(1 << 20) } }));
  const upload = async function* () {
    yield* parts;
  };
  assert.equal((await p.catalog.uploadBlob(upload(), { timeoutMs: 20_000 })).sizeBytes, 5n << 20n);
  const asks = async function* () {
    yield {};
    yield {};
  };
  assert.equal((await collect(p.averaging.contribute(asks(), { timeoutMs: 5000 }))).length, 2);
});

test("errors come back with their reason, facts and wrong fields", async () => {
  await using p = await behind({
    catalog: {
      getArtifact() {
        throw invalidArgument("no such name", {
          reason: "BAD_NAME",
          metadata: { name: "x" },
          violations: [{ field: "name", description: "is empty" }],
          details: [anyPack(DurationSchema, create(DurationSchema, { seconds: 7n }))],
        });
      },
    },
  });
  const error = await failure(p.catalog.getArtifact({}));
  assert.ok(isRpcError(error, Code.INVALID_ARGUMENT, "BAD_NAME"));
  assert.deepEqual([error.message, error.metadata, error.violations.length], ["no such name", { name: "x" }, 1]);
  assert.equal(anyUnpack(error.details[0]!, DurationSchema)?.seconds, 7n);
});

test("metadata and the deadline travel through, the token of the caller does not", async () => {
  let seen: CallContext | undefined;
  await using p = await behind({
    catalog: {
      getArtifact(_, context) {
        seen = context;
        return {};
      },
    },
  });
  const began = Date.now();
  const binaryMetadata = new Map([["x-trace-bin", [Uint8Array.of(0, 255, 10), Uint8Array.of(1)]]]);
  await p.catalog.getArtifact({}, { timeoutMs: 5000, metadata: { "x-run": "run-1" }, binaryMetadata });
  const binary = [...(seen?.binaryMetadata ?? [])].map(([key, values]) => [
    key,
    ...values.map((value) => Buffer.from(value).toString("hex")),
  ]);
  assert.deepEqual(binary, [["x-trace-bin", "00ff0a", "01"]]);
  assert.equal(seen?.metadata.get("x-run"), "run-1");
  assert.equal(seen?.metadata.get("authorization"), "Bearer inner");
  assert.ok(seen?.deadline && Math.abs(seen.deadline.getTime() - began - 5000) < 500);
});

test("a unary call without a deadline gets the one of the channel, as without a gateway; a stream goes on for ever", async () => {
  const deadlines: (Date | undefined)[] = [];
  await using p = await behind({
    catalog: {
      getArtifact(_, { deadline }) {
        deadlines.push(deadline);
        return {};
      },
      async *downloadBlob(_, { deadline }) {
        deadlines.push(deadline);
        yield {};
      },
    },
  });
  // Our own clients always have a deadline; stubs of other languages send none.
  const client = new Client(p.address, credentials.createInsecure());
  const metadata = new Metadata();
  metadata.set("authorization", "Bearer outer");
  const bytes = (buffer: Buffer) => buffer;
  await new Promise<void>((resolve, reject) => {
    const path = "/ratatouille.v1.CatalogService/GetArtifact";
    client.makeUnaryRequest(path, bytes, bytes, Buffer.alloc(0), metadata, (error) => (error ? reject(error) : resolve()));
  });
  await collect(p.catalog.downloadBlob({}, { timeoutMs: 0 }));
  client.close();
  const [unary, stream] = deadlines;
  assert.ok(unary !== undefined && Math.abs(unary.getTime() - Date.now() - 30_000) < 10_000, String(unary));
  assert.equal(stream, undefined);
});

test("a caller that leaves, and a deadline that passes, end the call behind", async () => {
  const reasons: unknown[] = [];
  const began = deferred();
  await using p = await behind({
    catalog: {
      async getArtifact(_, { signal }) {
        began.resolve();
        await sleep(20_000, undefined, { signal }).catch(() => reasons.push(signal.reason));
        return {};
      },
    },
  });
  const controller = new AbortController();
  const call = failure(p.catalog.getArtifact({}, { signal: controller.signal }));
  await began.promise;
  controller.abort();
  assert.ok(isRpcError(await call, Code.CANCELLED));
  await waitFor(() => reasons.length === 1, { what: "the first handler" });
  assert.ok(isRpcError(await failure(p.catalog.getArtifact({}, { timeoutMs: 100 })), Code.DEADLINE_EXCEEDED));
  await waitFor(() => reasons.length === 2, { what: "the second handler" });
});

test("a slow reader holds the producer behind", async () => {
  let produced = 0;
  await using p = await behind({
    catalog: {
      async *downloadBlob() {
        for (; produced < 2000; produced++) yield { chunk: new Uint8Array(64 << 10) };
      },
    },
  });
  let received = 0;
  for await (const _ of p.catalog.downloadBlob({}, { timeoutMs: 0 })) {
    if (received++ > 0) continue;
    let last = -1;
    await waitFor(
      async () => {
        const before = last;
        last = produced;
        await sleep(100);
        return before === produced && produced > 1;
      },
      { what: "a producer that stands still" },
    );
    // Two windows of 8 MiB are 256 chunks; buffers of streams and sockets come on top.
    assert.ok(last < 1000, `the producer was held at ${last} of 2000 chunks`);
  }
  assert.equal(received, 2000);
});

test("a service that is away is UNAVAILABLE, and a call that may be retried finds it again", async () => {
  const address = `127.0.0.1:${await freePort()}`;
  using inner = connect(address);
  await using gateway = await serve({ address: "127.0.0.1:0", services: [forward(CatalogService, inner)], drainMs: 0 });
  using channel = connect(gateway.address);
  const catalog = channel.client(CatalogService);
  assert.ok(isRpcError(await failure(catalog.moveRef({})), Code.UNAVAILABLE));
  const patient = catalog.getArtifact({});
  await using _ = await serve({ address, services: [implement(CatalogService, { getArtifact: () => ({}) })], drainMs: 0 });
  await patient;
});

test("clients of several places are clients of one", async () => {
  await using one = await pair({ catalog: { getArtifact: () => ({ artifact: { digest: "one" } }) } });
  await using two = await pair({ catalog: { getArtifact: () => ({ artifact: { digest: "two" } }) } });
  const digest = async (clients: ReturnType<typeof routeClients>) =>
    (await clients.client(CatalogService).getArtifact({})).artifact?.digest;
  assert.equal(await digest(routeClients([[CatalogService, one.channel]], two.channel)), "one");
  assert.equal(await digest(routeClients([[AveragingService, one.channel]], two.channel)), "two");
  assert.throws(() => routeClients([]).client(CatalogService), { code: Code.NOT_FOUND });
});

test("two places divide the methods of a service behind one address; a method of both is a mistake", async () => {
  await using one = await pair({ catalog: { getArtifact: () => ({ artifact: { digest: "one" } }) } });
  await using other = await pair({
    catalog: { listRefs: () => ({ nextPageToken: "other" }), getArtifact: () => ({ artifact: { digest: "never" } }) },
  });
  const first = forward(CatalogService, one.channel, ["getArtifact"]);
  const services = [first, forward(CatalogService, other.channel, ["listRefs"])];
  await using gateway = await serve({ address: "127.0.0.1:0", services, drainMs: 0 });
  using channel = connect(gateway.address);
  const catalog = channel.client(CatalogService);
  assert.equal((await catalog.getArtifact({})).artifact?.digest, "one");
  assert.equal((await catalog.listRefs({})).nextPageToken, "other");
  assert.ok(isRpcError(await failure(catalog.getLineage({})), Code.UNIMPLEMENTED));
  const twice = serve({ address: "127.0.0.1:0", services: [first, forward(CatalogService, other.channel)], drainMs: 0 });
  await assert.rejects(twice, /GetArtifact is registered twice/);
});
