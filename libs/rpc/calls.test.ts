import assert from "node:assert/strict";
import { test } from "node:test";
import { Client, credentials, Metadata, type ServiceError } from "@grpc/grpc-js";
import { Code, isRpcError, notFound, RpcError } from "./index.ts";
import { collect, failure, pair } from "./testing/pair.ts";

const chunk = (byte: number, length = 8) => new Uint8Array(length).fill(byte);

test("the four kinds of methods carry messages both ways", async () => {
  await using p = await pair({
    catalog: {
      getArtifact: ({ name }) => ({ artifact: { digest: `got ${name.value}` } }),
      async *downloadBlob({ digest, length }) {
        for (let i = 0; i < Number(length); i++) yield { chunk: new TextEncoder().encode(`${digest}${i}`) };
      },
      async uploadBlob(requests) {
        let sizeBytes = 0n;
        for await (const { part } of requests) if (part.case === "chunk") sizeBytes += BigInt(part.value.length);
        return { digest: "sum", sizeBytes };
      },
    },
    averaging: {
      async *contribute(requests) {
        for await (const { part } of requests)
          if (part.case === "header") yield { event: { case: "send", value: { offset: part.value.sizeBytes * 2n } } };
      },
    },
  });
  assert.equal((await p.catalog.getArtifact({ name: { case: "ref", value: "x" } })).artifact?.digest, "got x");
  const chunks = await collect(p.catalog.downloadBlob({ digest: "d", length: 3n }, { timeoutMs: 5000 }));
  assert.deepEqual(
    chunks.map((message) => new TextDecoder().decode(message.chunk)),
    ["d0", "d1", "d2"],
  );
  const upload = async function* () {
    yield { part: { case: "header" as const, value: {} } };
    for (let i = 0; i < 100; i++) yield { part: { case: "chunk" as const, value: chunk(i, 1000) } };
  };
  assert.equal((await p.catalog.uploadBlob(upload(), { timeoutMs: 5000 })).sizeBytes, 100_000n);
  const headers = async function* () {
    for (const sizeBytes of [1n, 2n, 3n]) yield { part: { case: "header" as const, value: { sizeBytes } } };
  };
  const replies = await collect(p.averaging.contribute(headers(), { timeoutMs: 5000 }));
  assert.deepEqual(
    replies.map(({ event }) => event.case === "send" && event.value.offset),
    [2n, 4n, 6n],
  );
});

test("bytes of a message are a plain Uint8Array whose slice copies", async () => {
  const seen: { constructor: boolean; independent: boolean }[] = [];
  const inspect = (bytes: Uint8Array) => {
    const copy = bytes.slice();
    copy[0] = 99;
    seen.push({ constructor: bytes.constructor === Uint8Array, independent: bytes[0] !== 99 });
  };
  await using p = await pair({
    catalog: {
      async uploadBlob(requests) {
        for await (const { part } of requests) if (part.case === "chunk") inspect(part.value);
        return {};
      },
      async *downloadBlob() {
        yield { chunk: chunk(1) };
      },
    },
  });
  const upload = async function* () {
    yield { part: { case: "chunk" as const, value: chunk(1) } };
  };
  await p.catalog.uploadBlob(upload(), { timeoutMs: 5000 });
  for await (const message of p.catalog.downloadBlob({}, { timeoutMs: 5000 })) inspect(message.chunk);
  assert.deepEqual(seen, [
    { constructor: true, independent: true },
    { constructor: true, independent: true },
  ]);
});

test("an RpcError reaches the caller with reason, metadata and field violations, from every kind of method, at once", async () => {
  const error = () =>
    notFound("no 50° artifact: 100% gone", {
      reason: "BLOB_MISSING",
      metadata: { missing: "sha256:ab" },
      violations: [{ field: "digests[2]", description: "is not stored" }],
    });
  await using p = await pair({
    catalog: {
      getArtifact() {
        throw error();
      },
      async *downloadBlob() {
        yield { chunk: chunk(1) };
        throw error();
      },
      async uploadBlob() {
        throw error();
      },
    },
    averaging: {
      // biome-ignore lint/correctness/useYield: it fails first
      async *contribute() {
        throw error();
      },
    },
  });
  const endless = async function* () {
    for (;;) yield { part: { case: "chunk" as const, value: chunk(0, 10_000) } };
  };
  const silent = async function* () {
    yield await new Promise<{ part: { case: undefined } }>(() => {});
  };
  const started = performance.now();
  const failures = [
    await failure(p.catalog.getArtifact({})),
    await failure(collect(p.catalog.downloadBlob({}, { timeoutMs: 20_000 }))),
    await failure(p.catalog.uploadBlob(endless(), { timeoutMs: 20_000 })),
    await failure(collect(p.averaging.contribute(silent(), { timeoutMs: 20_000 }))),
  ];
  assert.ok(performance.now() - started < 5000);
  for (const failed of failures) {
    assert.ok(failed instanceof RpcError);
    assert.deepEqual(
      [failed.code, failed.message, failed.reason, failed.metadata, failed.violations],
      [Code.NOT_FOUND, error().message, "BLOB_MISSING", { missing: "sha256:ab" }, error().violations],
    );
  }
});

test("what is not an RpcError is logged and stays inside", async () => {
  const logged: unknown[] = [];
  const log = { error: (fields: Record<string, unknown>) => logged.push(fields) };
  const bug = new TypeError("secret path /home/x");
  await using p = await pair(
    {
      catalog: {
        getArtifact() {
          throw bug;
        },
      },
    },
    { serve: { log } },
  );
  const failed = await failure(p.catalog.getArtifact({}));
  assert.ok(isRpcError(failed, Code.INTERNAL));
  assert.equal(failed.message, "internal error");
  assert.deepEqual(logged, [{ err: bug, method: "ratatouille.v1.CatalogService/GetArtifact" }]);
});

test("a method without a handler, and a service that is not served, are UNIMPLEMENTED", async () => {
  await using p = await pair({});
  assert.ok(isRpcError(await failure(p.catalog.getArtifact({})), Code.UNIMPLEMENTED));
  assert.ok(isRpcError(await failure(p.averaging.closeSession({})), Code.UNIMPLEMENTED));
});

test("requests that no generated client would send are INVALID_ARGUMENT", async () => {
  await using p = await pair({ catalog: { getArtifact: () => ({}) } });
  const raw = new Client(p.server.address, credentials.createInsecure());
  const send = (...messages: Buffer[]) =>
    new Promise<string>((resolve, reject) => {
      const bytes = (buffer: Buffer) => buffer;
      const call = raw.makeBidiStreamRequest("/ratatouille.v1.CatalogService/GetArtifact", bytes, bytes, new Metadata(), {
        deadline: Date.now() + 5000,
      });
      call.on("error", ({ code, details }: ServiceError) => resolve(`${code} ${details}`));
      call.on("end", () => reject(new Error("no error")));
      for (const message of messages) call.write(message);
      call.end();
      call.resume();
    });
  try {
    assert.equal(await send(Buffer.from([0xff, 0xff, 0xff])), "3 the request is not a valid ratatouille.v1.GetArtifactRequest");
    assert.equal(await send(), "3 ratatouille.v1.CatalogService/GetArtifact takes one request, and none came");
    const empty = Buffer.alloc(0);
    assert.equal(await send(empty, empty), "3 ratatouille.v1.CatalogService/GetArtifact takes one request, not several");
    assert.match(await send(Buffer.alloc(5_000_000)), /^8 /);
  } finally {
    raw.close();
  }
});

test("metadata travels as text, and what cannot be sent is refused", async () => {
  let seen: string | undefined;
  await using p = await pair({
    catalog: {
      getArtifact(_, { metadata }) {
        seen = metadata.get("x-run");
        return {};
      },
    },
  });
  await p.catalog.getArtifact({}, { metadata: { "X-Run": "run 1" } });
  assert.equal(seen, "run 1");
  assert.ok(isRpcError(await failure(p.catalog.getArtifact({}, { metadata: { "x-run": "50°\n" } })), Code.INVALID_ARGUMENT));
});
