import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { gunzipSync, gzipSync } from "node:zlib";
import { Code as ConnectCode, ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { createConnectTransport as createNodeTransport } from "@connectrpc/connect-node";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-web";
import { deadlineExceeded, invalidField, notFound } from "#libs/rpc";
import { deferred, recordSpans, waitFor } from "#libs/testing";
import { BadRequestSchema, ErrorInfoSchema } from "#proto/google/rpc/error_details_pb.ts";
import { CatalogService } from "#proto/ratatouille/v1/catalog_pb.ts";
import { catalogOf, served } from "./testing/served.ts";

const DIGEST = `sha256:${"ab".repeat(32)}`;
const json = { "content-type": "application/json" };

async function curl(...args: readonly string[]): Promise<string> {
  return (await promisify(execFile)("curl", ["--silent", "--show-error", "--max-time", "20", ...args])).stdout;
}

const transports: readonly (readonly [string, (baseUrl: string) => Transport])[] = [
  ["Connect with JSON", (baseUrl) => createConnectTransport({ baseUrl })],
  ["Connect with protobuf", (baseUrl) => createConnectTransport({ baseUrl, useBinaryFormat: true })],
  ["Connect by GET", (baseUrl) => createConnectTransport({ baseUrl, useHttpGet: true })],
  ["gRPC-Web", (baseUrl) => createGrpcWebTransport({ baseUrl })],
];

for (const [name, transport] of transports) {
  test(`${name}: replies, streams and errors are those of gRPC`, async () => {
    await using system = await served(
      catalogOf({
        getUpload: ({ digest }) => {
          if (digest === "none") throw notFound("no blob none", { reason: "BLOB_NOT_FOUND", metadata: { digest } });
          if (digest === "") throw invalidField("digest", "is missing");
          return { receivedBytes: 12n };
        },
        async *downloadBlob({ length }) {
          for (let at = 0n; at < length; at++) yield { chunk: new Uint8Array(3).fill(Number(at)) };
          if (length === 2n) throw notFound("it is gone", { reason: "BLOB_NOT_FOUND" });
        },
      }),
    );
    const client = createClient(CatalogService, transport(system.url));
    assert.equal((await client.getUpload({ digest: DIGEST })).receivedBytes, 12n);

    const missing = await client.getUpload({ digest: "none" }).catch((error: unknown) => error);
    assert.ok(missing instanceof ConnectError);
    assert.equal(missing.code, ConnectCode.NotFound);
    assert.equal(missing.rawMessage, "no blob none");
    const [info] = missing.findDetails(ErrorInfoSchema);
    assert.deepEqual([info?.reason, info?.domain, info?.metadata], ["BLOB_NOT_FOUND", "ratatouille", { digest: "none" }]);
    const invalid = ConnectError.from(await client.getUpload({}).catch((error: unknown) => error));
    assert.deepEqual(
      invalid.findDetails(BadRequestSchema)[0]?.fieldViolations.map(({ field }) => field),
      ["digest"],
    );

    const chunks: number[] = [];
    for await (const { chunk } of client.downloadBlob({ length: 3n })) chunks.push(...chunk);
    assert.deepEqual(chunks, [0, 0, 0, 1, 1, 1, 2, 2, 2]);
    const gone = Array.fromAsync(client.downloadBlob({ length: 2n }));
    await assert.rejects(gone, (error) => error instanceof ConnectError && error.code === ConnectCode.NotFound);

    await assert.rejects(client.listRefs({}), (error) => error instanceof ConnectError && error.code === ConnectCode.Unimplemented);
    assert.deepEqual(system.logged, []);
  });
}

test("programs may stream their requests, too", async () => {
  await using system = await served(
    catalogOf({
      uploadBlob: async (requests) => {
        let size = 0n;
        for await (const { part } of requests) if (part.case === "chunk") size += BigInt(part.value.length);
        return { digest: DIGEST, sizeBytes: size };
      },
    }),
  );
  const client = createClient(CatalogService, createNodeTransport({ baseUrl: system.url, httpVersion: "1.1" }));
  async function* parts() {
    yield { part: { case: "header" as const, value: {} } };
    for (let i = 0; i < 3; i++) yield { part: { case: "chunk" as const, value: new Uint8Array(100_000) } };
  }
  assert.equal((await client.uploadBlob(parts())).sizeBytes, 300_000n);
});

test("deadlines, metadata and cancellation reach the service", async () => {
  const left = deferred<string>();
  await using system = await served(
    catalogOf({
      getUpload: ({ digest }, { deadline, metadata }) => {
        if (digest === "late") throw deadlineExceeded("too late");
        const ms = deadline === undefined ? 0 : deadline.getTime() - Date.now();
        return { receivedBytes: BigInt(Math.round(ms)), ...(metadata.get("x-note") === "hello" ? { sizeBytes: 1n } : {}) };
      },
      async *downloadBlob(_, { signal }) {
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
        left.resolve(String(signal.reason));
      },
    }),
  );
  const client = createClient(CatalogService, createConnectTransport({ baseUrl: system.url }));
  const { receivedBytes, sizeBytes } = await client.getUpload({}, { timeoutMs: 7_000, headers: { "x-note": "hello", cookie: "a=b" } });
  assert.ok(receivedBytes > 3_000n && receivedBytes <= 7_000n, `${receivedBytes} ms`);
  assert.equal(sizeBytes, 1n);
  const longest = await fetch(`${system.catalog}/GetUpload`, {
    method: "POST",
    headers: { ...json, "connect-timeout-ms": "9999999999" },
    body: "{}",
  });
  assert.ok(BigInt(((await longest.json()) as { receivedBytes: string }).receivedBytes) > 2_000_000_000n);

  const stop = new AbortController();
  const reading = Array.fromAsync(client.downloadBlob({}, { signal: stop.signal })).catch((error: unknown) => error);
  setImmediate(() => stop.abort());
  assert.equal(ConnectError.from(await reading).code, ConnectCode.Canceled);
  const expired = await Array.fromAsync(client.downloadBlob({}, { timeoutMs: 100 })).catch((error: unknown) => error);
  assert.equal(ConnectError.from(expired).code, ConnectCode.DeadlineExceeded);
  assert.match(await left.promise, /CANCELLED|DEADLINE|left|deadline/);
});

test("curl: JSON in and out, errors with details, gzip both ways, and each reply of a stream a line", async () => {
  await using system = await served(
    catalogOf({
      getUpload: ({ digest }) => {
        if (digest === "") throw invalidField("digest", "is missing");
        return { receivedBytes: 7n };
      },
      getArtifact: () => ({ artifact: { recipeKey: "x".repeat(5000) } }),
      async *downloadBlob({ length }) {
        if (length === 9n) throw notFound("no such blob", { reason: "BLOB_NOT_FOUND" });
        yield { chunk: Buffer.from("one") };
        yield { chunk: Buffer.from("two") };
        if (length === 1n) throw notFound("it is gone", { reason: "BLOB_NOT_FOUND" });
      },
    }),
  );
  const post = ["--header", "Content-Type: application/json"];
  assert.deepEqual(JSON.parse(await curl(...post, "--data", `{"digest":"${DIGEST}"}`, `${system.catalog}/GetUpload`)), {
    receivedBytes: "7",
  });
  const failed = await curl(...post, "--data", "{}", "--write-out", "\n%{http_code}", `${system.catalog}/GetUpload`);
  const [error, status] = failed.split("\n");
  assert.equal(status, "400");
  const { code, message, details } = JSON.parse(error ?? "");
  assert.deepEqual([code, message], ["invalid_argument", "digest: is missing"]);
  assert.deepEqual(
    details.map(({ type }: { type: string }) => type),
    ["google.rpc.ErrorInfo", "google.rpc.BadRequest"],
  );
  assert.deepEqual(details[1].debug, { fieldViolations: [{ field: "digest", description: "is missing" }] });
  const typo = JSON.parse(await curl(...post, "--data", '{"digset":"x"}', `${system.catalog}/GetUpload`));
  assert.equal(typo.code, "invalid_argument");
  assert.match(typo.message, /digset/);

  const zipped = await promisify(execFile)(
    "curl",
    ["--silent", ...post, "--header", "Accept-Encoding: gzip", "--data", "{}", `${system.catalog}/GetArtifact`],
    { encoding: "buffer" },
  );
  assert.equal(JSON.parse(gunzipSync(zipped.stdout).toString()).artifact.recipeKey.length, 5000);
  const sent = await fetch(`${system.catalog}/GetUpload`, {
    method: "POST",
    headers: { ...json, "content-encoding": "gzip" },
    body: gzipSync(`{"digest":"${DIGEST}"}`),
  });
  assert.deepEqual(await sent.json(), { receivedBytes: "7" });

  const chunk = (text: string) => JSON.stringify({ chunk: Buffer.from(text).toString("base64") });
  assert.equal(await curl(...post, "--data", "{}", `${system.catalog}/DownloadBlob`), `${chunk("one")}\n${chunk("two")}\n`);
  assert.equal(
    await curl("--get", "--data-urlencode", 'message={"length":"0"}', `${system.catalog}/DownloadBlob`),
    `${chunk("one")}\n${chunk("two")}\n`,
  );
  const cut = (await curl(...post, "--data", '{"length":"1"}', `${system.catalog}/DownloadBlob`)).trimEnd().split("\n");
  assert.equal(cut[0], chunk("one"));
  assert.equal(JSON.parse(cut.at(-1) ?? "").error.code, "not_found");
  const none = await curl(...post, "--data", '{"length":"9"}', "--write-out", "%{http_code}", `${system.catalog}/DownloadBlob`);
  assert.match(none, /^\{"code":"not_found","message":"no such blob".*\n404$/);
  const unknown = await curl(...post, "--data", "{}", "--write-out", "%{http_code}", `${system.catalog}/Nothing`);
  assert.match(unknown, /"code":"unimplemented".*404$/);
});

test("buf curl calls by Connect and by gRPC-Web", async () => {
  await using system = await served(
    catalogOf({
      async *downloadBlob() {
        yield { chunk: Buffer.from("one") };
        yield { chunk: Buffer.from("two") };
      },
    }),
  );
  const [proto, buf] = ["../../proto", "../../node_modules/.bin/buf"].map((path) => fileURLToPath(new URL(path, import.meta.url)));
  for (const protocol of ["connect", "grpcweb"]) {
    const args = ["curl", "--schema", proto ?? "", "--protocol", protocol, "--data", "{}", `${system.catalog}/DownloadBlob`];
    const { stdout } = await promisify(execFile)(buf ?? "", args, { timeout: 60_000 });
    assert.deepEqual(stdout.match(/"chunk": *"[^"]+"/g)?.length, 2, protocol);
  }
});

test("the trace of a caller goes on through the request and the call to the service", async () => {
  await using recorder = recordSpans();
  await using system = await served(catalogOf({ getUpload: () => ({ receivedBytes: 1n }) }));
  const traceId = "0af7651916cd43dd8448eb211c80319c";
  const headers = { ...json, traceparent: `00-${traceId}-b7ad6b7169203331-01` };
  await (await fetch(`${system.catalog}/GetUpload`, { method: "POST", headers, body: "{}" })).json();
  const spans = () => recorder.spans().filter((span) => span.spanContext().traceId === traceId);
  await waitFor(() => spans().length === 3, { timeoutMs: 10_000, what: "the spans" });
  const method = "ratatouille.v1.CatalogService/GetUpload";
  assert.deepEqual(
    spans()
      .map(({ name }) => name)
      .sort(),
    [`POST /${method}`, method, method],
  );
});

test("a token is asked for before anything is read, and told by a status and a detail", async () => {
  await using system = await served(catalogOf({ getUpload: () => ({ receivedBytes: 1n }) }), { token: "secret" });
  const call = (headers: Record<string, string>) =>
    fetch(`${system.catalog}/GetUpload`, { method: "POST", headers: { ...json, ...headers }, body: "{}" });
  const refused = await call({});
  assert.equal(refused.status, 401);
  assert.equal(refused.headers.get("www-authenticate"), "Bearer");
  assert.equal(((await refused.json()) as { details: { debug: { reason: string } }[] }).details[0]?.debug.reason, "TOKEN_MISSING");
  assert.equal((await call({ authorization: "Bearer other" })).status, 401);
  assert.equal((await call({ authorization: "Bearer secret" })).status, 200);
  assert.equal((await fetch(`${system.url}/nowhere`)).status, 401);
  assert.equal((await fetch(`${system.url}/nowhere`, { headers: { authorization: "Bearer secret" } })).status, 404);
});

test("pages of other origins call only where they are named", async () => {
  await using system = await served(catalogOf({ getUpload: () => ({ receivedBytes: 1n }) }), {
    token: "secret",
    origins: ["https://lab.example"],
  });
  const url = `${system.catalog}/GetUpload`;
  const asked = { "access-control-request-method": "POST", "access-control-request-headers": "connect-timeout-ms,content-type" };
  const preflight = await fetch(url, { method: "OPTIONS", headers: { origin: "https://lab.example", ...asked } });
  assert.equal(preflight.status, 204);
  assert.equal(preflight.headers.get("access-control-allow-origin"), "https://lab.example");
  assert.match(preflight.headers.get("access-control-allow-headers") ?? "", /Connect-Timeout-Ms.*X-Grpc-Web.*Authorization/i);
  const other = await fetch(url, { method: "OPTIONS", headers: { origin: "https://other.example", ...asked } });
  assert.deepEqual([other.status, other.headers.get("access-control-allow-origin")], [403, null]);

  const headers = { ...json, authorization: "Bearer secret" };
  const allowed = await fetch(url, { method: "POST", headers: { ...headers, origin: "https://lab.example" }, body: "{}" });
  assert.deepEqual([allowed.status, allowed.headers.get("access-control-allow-origin")], [200, "https://lab.example"]);
  assert.match(allowed.headers.get("access-control-expose-headers") ?? "", /Grpc-Status/i);
  // A page hears of its missing token, too.
  const denied = await fetch(url, { method: "POST", headers: { ...json, origin: "https://lab.example" }, body: "{}" });
  assert.deepEqual([denied.status, denied.headers.get("access-control-allow-origin")], [401, "https://lab.example"]);
  const refused = await fetch(url, { method: "POST", headers: { ...headers, origin: "https://other.example" }, body: "{}" });
  assert.equal(refused.status, 403);
  const own = await fetch(url, { method: "POST", headers: { ...headers, origin: system.url }, body: "{}" });
  assert.equal(own.status, 200);
});
