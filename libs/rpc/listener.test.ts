import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { createServer, type Socket } from "node:net";
import { test } from "node:test";
import { freePort, temporaryDirectory } from "#libs/testing";
import { CatalogService } from "#proto/ratatouille/v1/catalog_pb.ts";
import { Code, connect, implement, isLoopback, isRpcError, serve } from "./index.ts";
import { failure, pair } from "./testing/pair.ts";

const catalog = { getArtifact: () => ({ artifact: { digest: "here" } }) };
const services = [implement(CatalogService, catalog)];

/** A self-signed certificate for localhost. */
async function certificate() {
  await using directory = await temporaryDirectory();
  const [key, cert] = [directory.join("key.pem"), directory.join("cert.pem")];
  const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"];
  execFileSync("openssl", ["req", "-x509", ...curve, "-nodes", "-days", "2", "-keyout", key, "-out", cert, ...subject], {
    stdio: "ignore",
  });
  return { key: await readFile(key, "utf8"), certificate: await readFile(cert, "utf8") };
}

for (const [address, expected] of [
  ["127.0.0.1:1", true],
  ["127.8.9.1:1", true],
  ["[::1]:1", true],
  ["localhost:1", true],
  ["unix:/tmp/x", true],
  ["0.0.0.0:1", false],
  ["[::]:1", false],
  ["127.0.0.1.example.com:1", false],
  ["localhost.example.com:1", false],
  ["10.0.0.1:1", false],
] as const) {
  test(`${address} is ${expected ? "" : "not "}loopback`, () => assert.equal(isLoopback(address), expected));
}

test("an address that others reach needs TLS and a token, or insecure said aloud, before anything listens", async () => {
  const tls = await certificate();
  const address = `0.0.0.0:${await freePort()}`;
  const refused = async (options: object, pattern: RegExp) => {
    const error = await failure(serve({ address, services, ...options }));
    assert.ok(isRpcError(error, Code.INVALID_ARGUMENT, "INSECURE_ADDRESS"), String(error));
    assert.match(error.message, pattern);
    assert.ok(error.message.includes(address));
  };
  await refused({}, /needs TLS and a token/);
  await refused({ tls }, /needs a token/);
  await refused({ token: "t" }, /needs TLS/);
  for (const options of [{ insecure: true }, { tls, token: "t" }]) {
    await using _ = await serve({ address, services, ...options });
  }
});

for (const address of ["", "127.0.0.1", "127.0.0.1:x", "127.0.0.1:70000", "http://127.0.0.1:80", "::1:80"]) {
  test(`"${address}" is not an address`, async () => {
    assert.ok(isRpcError(await failure(serve({ address, services })), Code.INVALID_ARGUMENT, "BAD_ADDRESS"));
    assert.throws(() => connect(address), { reason: "BAD_ADDRESS" });
  });
}

test("a token is checked on each call", async () => {
  await using p = await pair({ catalog }, { serve: { token: "right" } });
  const call = async (options: object, metadata: Record<string, string> = {}) => {
    using channel = connect(p.server.address, options);
    return await channel.client(CatalogService).getArtifact({}, { metadata });
  };
  assert.ok(isRpcError(await failure(call({})), Code.UNAUTHENTICATED, "TOKEN_MISSING"));
  assert.ok(isRpcError(await failure(call({}, { authorization: "right" })), Code.UNAUTHENTICATED, "TOKEN_MISSING"));
  assert.ok(isRpcError(await failure(call({ token: "wrong" })), Code.UNAUTHENTICATED, "TOKEN_WRONG"));
  assert.equal((await call({ token: "right" })).artifact?.digest, "here");
  assert.ok(isRpcError(await failure(serve({ address: "127.0.0.1:0", services, token: "" })), Code.INVALID_ARGUMENT, "EMPTY_TOKEN"));
});

test("TLS: a client that trusts the certificate gets through, one that does not or speaks plain learns it", async () => {
  const tls = await certificate();
  await using server = await serve({ address: "127.0.0.1:0", services, tls, token: "t", drainMs: 0 });
  {
    using channel = connect(server.address, { tls: { ca: tls.certificate }, token: "t" });
    await channel.ready(5000);
    assert.equal((await channel.client(CatalogService).getArtifact({})).artifact?.digest, "here");
  }
  {
    using channel = connect(server.address, { tls: { ca: tls.certificate, serverName: "localhost" }, token: "t" });
    await channel.ready(5000);
  }
  for (const options of [{ tls: {} }, { tls: { ca: tls.certificate, serverName: "other" } }, {}]) {
    using channel = connect(server.address, options);
    assert.ok(isRpcError(await failure(channel.ready(400)), Code.UNAVAILABLE));
    assert.ok(isRpcError(await failure(channel.client(CatalogService).moveRef({}, { timeoutMs: 2000 }))));
  }
});

test("a server with a client authority refuses clients without a certificate", async () => {
  const tls = await certificate();
  await using server = await serve({ address: "127.0.0.1:0", services, tls: { ...tls, clientCa: tls.certificate }, drainMs: 0 });
  using known = connect(server.address, { tls: { ca: tls.certificate, certificate: tls.certificate, key: tls.key } });
  assert.equal((await known.client(CatalogService).getArtifact({})).artifact?.digest, "here");
  using unknown = connect(server.address, { tls: { ca: tls.certificate } });
  assert.ok(isRpcError(await failure(unknown.client(CatalogService).moveRef({}, { timeoutMs: 2000 }))));
});

test("a token does not travel in the clear to another machine", () => {
  assert.throws(() => connect("192.0.2.1:7070", { token: "t" }), { code: Code.INVALID_ARGUMENT, reason: "INSECURE_ADDRESS" });
  connect("192.0.2.1:7070", { token: "t", insecure: true }).close();
  connect("192.0.2.1:7070").close();
});

test("a port in use is named", async () => {
  await using first = await serve({ address: "127.0.0.1:0", services });
  const error = await failure(serve({ address: first.address, services }));
  assert.ok(isRpcError(error, Code.FAILED_PRECONDITION, "ADDRESS_IN_USE"), String(error));
  assert.equal(error.message, `${first.address} is in use by another program`);
});

test("a server that is not there: unavailable within the time, with address and reason", async () => {
  const address = `127.0.0.1:${await freePort()}`;
  using channel = connect(address);
  const started = performance.now();
  const error = await failure(channel.ready(300));
  assert.ok(performance.now() - started < 1500);
  assert.ok(isRpcError(error, Code.UNAVAILABLE, "NOT_CONNECTED"));
  assert.match(error.message, new RegExp(`^no connection to ${address} within 300 ms: connect ECONNREFUSED ${address}$`));
  const call = await failure(channel.client(CatalogService).moveRef({}));
  assert.ok(isRpcError(call, Code.UNAVAILABLE));
  assert.equal(call.message, `${address} is not available: connect ECONNREFUSED ${address}`);
});

test("something that accepts connections and says nothing is not ready", async () => {
  const sockets: Socket[] = [];
  const silent = createServer((socket) => sockets.push(socket));
  const port = await freePort();
  await new Promise<void>((resolve) => silent.listen(port, "127.0.0.1", resolve));
  try {
    using channel = connect(`127.0.0.1:${port}`);
    const started = performance.now();
    assert.ok(isRpcError(await failure(channel.ready(300)), Code.UNAVAILABLE, "NOT_CONNECTED"));
    assert.ok(performance.now() - started < 1500);
  } finally {
    for (const socket of sockets) socket.destroy();
    silent.close();
  }
});

test("localhost and [::1] can be listened on and reached", async (t) => {
  for (const host of ["localhost", "[::1]"]) {
    let server: Awaited<ReturnType<typeof serve>>;
    try {
      server = await serve({ address: `${host}:0`, services, drainMs: 0 });
    } catch (error) {
      t.diagnostic(`no ${host} here: ${error}`);
      continue;
    }
    assert.equal(server.address, `${host}:${server.port}`);
    using channel = connect(server.address);
    assert.equal((await channel.client(CatalogService).getArtifact({})).artifact?.digest, "here");
    await server.drain(0);
  }
});
