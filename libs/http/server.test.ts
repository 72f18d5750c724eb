import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { request as secureRequest } from "node:https";
import { connect } from "node:net";
import { after, test } from "node:test";
import { SpanKind, SpanStatusCode } from "@opentelemetry/api";
import { Code, isRpcError, notFound } from "#libs/rpc";
import { deferred, recordSpans, temporaryDirectory, waitFor } from "#libs/testing";
import { HttpError, type HttpHandler, limitedBody, readBody, type ServeHttpOptions, serveHttp, writeBody } from "./index.ts";

const recorder = recordSpans();
after(() => recorder[Symbol.asyncDispose]());

type Line = Record<string, unknown>;

/** A server on a free port, and what it has written down. */
async function start(handler: HttpHandler, options: Partial<ServeHttpOptions> = {}) {
  const lines: Line[] = [];
  const errors: Line[] = [];
  const log = { info: (fields: Line) => void lines.push(fields), error: (fields: Line) => void errors.push(fields) };
  const server = await serveHttp({ address: "127.0.0.1:0", handler, log, drainMs: 0, ...options });
  return { ...server, lines, errors };
}

const echo: HttpHandler = async (request, response) => response.end(await readBody(request, 1 << 20));

/** Sends bytes on a connection of its own, and gives what came back until it was closed. */
function raw(port: number, text: string, more?: (write: (text: string) => void) => void): Promise<string> {
  return new Promise((resolve) => {
    let answer = "";
    const socket = connect(port, "127.0.0.1", () => {
      socket.write(text);
      more?.((part) => void (socket.writable && socket.write(part)));
    });
    socket.on("data", (chunk) => {
      answer += chunk;
    });
    socket.on("error", () => undefined);
    socket.on("close", () => resolve(answer));
  });
}

test("a handler answers, is written down, and its span belongs under the caller's", async () => {
  recorder.reset();
  await using server = await start(echo, { routeOf: () => "/echo" });
  const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  const body = Buffer.alloc(300_000, "abc");
  const response = await fetch(`${server.url}/echo?secret=1`, { method: "POST", body, headers: { traceparent, "user-agent": "test" } });
  assert.equal(response.status, 200);
  assert.ok(body.equals(Buffer.from(await response.arrayBuffer())));
  await waitFor(() => server.lines.length > 0, { what: "the line of the request" });
  const [{ ms, client, ...line }] = server.lines as [Line];
  assert.deepEqual(line, { method: "POST", path: "/echo", status: 200, agent: "test" });
  assert.ok(typeof ms === "number" && ms > 0 && client === "127.0.0.1");
  const span = recorder.spans().find(({ name }) => name === "POST /echo");
  assert.equal(span?.kind, SpanKind.SERVER);
  assert.equal(span.spanContext().traceId, traceparent.slice(3, 35));
  assert.equal(span.parentSpanContext?.spanId, traceparent.slice(36, 52));
  assert.equal(span.attributes["http.response.status_code"], 200);
});

test("expected errors are answered with their status, unexpected ones are a bug that only the log has", async () => {
  recorder.reset();
  const thrown: Record<string, Error> = {
    "/gone": notFound("there is no such thing"),
    "/odd": new HttpError(416, "no such range", { code: Code.OUT_OF_RANGE, reason: "RANGE", headers: { "content-range": "bytes */3" } }),
    "/bug": new Error("secret of the house"),
  };
  await using server = await start(({ url = "" }, response) => {
    response.setHeader("etag", "of what did not come");
    throw thrown[url];
  });
  const answers = await Promise.all(
    Object.keys(thrown).map(async (path) => {
      const { status, headers, ...response } = await fetch(server.url + path).then(async (answer) => ({
        status: answer.status,
        headers: answer.headers,
        body: await answer.json(),
      }));
      return { status, range: headers.get("content-range"), etag: headers.get("etag"), ...response };
    }),
  );
  assert.deepEqual(answers, [
    { status: 404, range: null, etag: null, body: { code: "not_found", message: "there is no such thing" } },
    { status: 416, range: "bytes */3", etag: null, body: { code: "out_of_range", message: "no such range" } },
    { status: 500, range: null, etag: null, body: { code: "internal", message: "internal error" } },
  ]);
  assert.deepEqual(
    server.errors.map(({ err, path }) => [(err as Error).message, path]),
    [["secret of the house", "/bug"]],
  );
  await waitFor(() => recorder.spans().length === 3, { what: "the spans" });
  const failed = recorder.spans().filter(({ status }) => status.code === SpanStatusCode.ERROR);
  assert.deepEqual(
    failed.map(({ attributes }) => attributes["url.path"]),
    ["/bug"],
  );
});

test("an error after the answer has begun cuts it off, so that nobody takes it for whole", async () => {
  await using server = await start((_, response) => {
    response.writeHead(200, { "content-length": 10 });
    response.write("12345");
    throw new Error("too late");
  });
  await assert.rejects(fetch(server.url).then((answer) => answer.text()));
  await waitFor(() => server.lines.length > 0, { what: "the line of the request" });
  assert.equal(server.lines[0]?.["cut"], true);
});

test("the token is asked for, as bearer or as password, before the body is read; health and what is open need none", async () => {
  let handled = 0;
  const handler: HttpHandler = (request, response) => {
    handled += 1;
    return echo(request, response, { signal: AbortSignal.abort() });
  };
  const isOpen = ({ method }: IncomingMessage) => method === "OPTIONS";
  await using server = await start(handler, { token: "right", challenge: "Basic", isOpen });
  const status = async (authorization?: string, init: RequestInit = {}) => {
    const headers = authorization === undefined ? {} : { authorization };
    const answer = await fetch(server.url, { headers, ...init });
    await answer.text();
    return answer.status;
  };
  const basic = (text: string) => `Basic ${Buffer.from(text).toString("base64")}`;
  assert.equal(await status("Bearer right"), 200);
  assert.equal(await status(basic("anybody:right")), 200);
  assert.equal(await status(undefined, { method: "OPTIONS" }), 200);
  for (const wrong of [undefined, "Bearer wrong", "right", basic("right:"), basic("right"), "Basic ???"])
    assert.equal(await status(wrong), 401, wrong);
  assert.equal(handled, 3);
  assert.equal((await fetch(server.url)).headers.get("www-authenticate"), 'Basic realm="ratatouille"');
  assert.equal((await fetch(`${server.url}/healthz`)).status, 200);
  const before = "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000000\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n";
  assert.match(await raw(server.port, before), /^HTTP\/1\.1 401 /);
});

test("without a token a server of this machine alone answers to its names, and to no page that was led here", async () => {
  await using open = await start(echo);
  await using closed = await start(echo, { token: "right" });
  const ask = (port: number, host: string) =>
    raw(port, `GET / HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer right\r\nConnection: close\r\n\r\n`);
  for (const host of ["localhost", `localhost:${open.port}`, `127.0.0.1:${open.port}`, `[::1]:${open.port}`])
    assert.match(await ask(open.port, host), /^HTTP\/1\.1 200 /, host);
  for (const host of ["evil.example", `127.0.0.1.evil.example:${open.port}`])
    assert.match(await ask(open.port, host), /^HTTP\/1\.1 403 [\s\S]*permission_denied/, host);
  assert.match(await ask(closed.port, "ratatouille.example"), /^HTTP\/1\.1 200 /);
});

test("health says what is behind the handler", async () => {
  let ready = false;
  await using server = await start(echo, { isReady: () => ready });
  assert.equal((await fetch(`${server.url}/healthz`)).status, 503);
  ready = true;
  assert.equal(await (await fetch(`${server.url}/healthz`)).text(), "ok\n");
  assert.equal(server.lines.length, 0);
});

test("a caller that waits for a word before it sends its body hears it", async () => {
  await using server = await start(echo);
  const head = "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n";
  const answer = await raw(server.port, head, (write) => setImmediate(() => write("abc")));
  assert.match(answer, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK\r\n[\s\S]*abc$/);
});

test("an address that others reach needs TLS and a token; a port in use is named", async () => {
  const options = { handler: echo, log: { info() {}, error() {} } };
  const failure = (address: string, more = {}) =>
    serveHttp({ address, ...options, ...more }).then(
      () => assert.fail(address),
      (error: unknown) => error,
    );
  assert.ok(isRpcError(await failure("0.0.0.0:0"), Code.INVALID_ARGUMENT, "INSECURE_ADDRESS"));
  assert.ok(isRpcError(await failure("nowhere"), Code.INVALID_ARGUMENT, "BAD_ADDRESS"));
  assert.ok(isRpcError(await failure("127.0.0.1:0", { token: "" }), Code.INVALID_ARGUMENT, "EMPTY_TOKEN"));
  await using server = await start(echo);
  assert.ok(isRpcError(await failure(server.address), Code.FAILED_PRECONDITION, "ADDRESS_IN_USE"));
});

test("TLS with the certificate of the settings", async () => {
  await using directory = await temporaryDirectory();
  const [keyPath, certPath] = [directory.join("key.pem"), directory.join("cert.pem")];
  const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"];
  execFileSync("openssl", ["req", "-x509", ...curve, "-nodes", "-days", "2", "-keyout", keyPath, "-out", certPath, ...subject], {
    stdio: "ignore",
  });
  const tls = { key: await readFile(keyPath, "utf8"), certificate: await readFile(certPath, "utf8") };
  await using server = await start((_, response) => response.end("secret"), { tls, limits: { headersMs: 300 } });
  assert.match(server.url, /^https:/);
  const text = await new Promise<string>((resolve, reject) => {
    const asked = secureRequest(`https://localhost:${server.port}/`, { ca: tls.certificate, host: "127.0.0.1", servername: "localhost" });
    asked.on("error", reject).on("response", (answer) => {
      answer.setEncoding("utf8").on("data", resolve);
    });
    asked.end();
  });
  assert.equal(text, "secret");
  // Who speaks plain is told nothing of HTTP, and who does not finish the handshake does not wait for ever: on Bun, which does not see it, it may.
  assert.doesNotMatch(await raw(server.port, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"), /HTTP/);
  if (!("Bun" in globalThis)) assert.doesNotMatch(await raw(server.port, "\x16\x03\x01"), /HTTP/);
});

test("a drain closes connections that wait, lets answers finish, and refuses what still comes", async () => {
  const [begun, go] = [deferred(), deferred()];
  const server = await start(async ({ url }, response) => {
    if (url !== "/slow") return response.end("quick");
    begun.resolve();
    await go.promise;
    return response.end("slow");
  });
  const idle = raw(server.port, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const slow = fetch(`${server.url}/slow`).then((answer) => answer.text());
  await begun.promise;
  await waitFor(() => server.lines.length === 1, { what: "the quick answer" });
  const drained = server.drain(10_000);
  assert.match(await idle, /quick$/);
  await assert.rejects(fetch(server.url));
  go.resolve();
  assert.equal(await slow, "slow");
  await drained;
});

test("after the grace period answers are cut off, and their handlers hear why", async () => {
  const begun = deferred();
  const heard = deferred<unknown>();
  const server = await start((_, __, { signal }) => {
    signal.addEventListener("abort", () => heard.resolve(signal.reason));
    begun.resolve();
  });
  const cut = assert.rejects(fetch(server.url));
  await begun.promise;
  await server.drain(20);
  await cut;
  assert.ok(isRpcError(await heard.promise, Code.UNAVAILABLE, "SHUTTING_DOWN"));
});

test("a caller that leaves aborts the signal, in the middle of its body and of its answer", async () => {
  const reasons: unknown[] = [];
  const begun = [deferred(), deferred()];
  await using server = await start(async (request, response, { signal }) => {
    signal.addEventListener("abort", () => reasons.push(signal.reason));
    if (request.url === "/body") {
      for await (const _ of limitedBody(request, 100)) begun[0]?.resolve();
      return;
    }
    response.write("begins");
    begun[1]?.resolve();
  });
  const leave = async (text: string, begun: Promise<void> | undefined) => {
    const socket = connect(server.port, "127.0.0.1", () => socket.write(text));
    socket.on("error", () => undefined);
    await begun;
    socket.destroy();
  };
  await leave("POST /body HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nabc", begun[0]?.promise);
  await leave("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", begun[1]?.promise);
  await waitFor(() => reasons.length === 2, { what: "both signals" });
  assert.ok(reasons.every((reason) => isRpcError(reason, Code.CANCELLED)));
  assert.deepEqual(server.errors, []);
});

test("a slow reader holds back who writes", async () => {
  let last = -1;
  /** Nothing more was written since the last look. */
  const stands = () => {
    const before = last;
    last = written;
    return before === written;
  };
  const chunk = Buffer.alloc(1 << 20, "x");
  let written = 0;
  await using server = await start((_, response, { signal }) => {
    const chunks = async function* () {
      for (; written < 64; written += 1) yield chunk;
    };
    return writeBody(response, chunks(), signal);
  });
  const answer = await fetch(server.url);
  await waitFor(() => written > 0 && stands(), { what: "the writer to stand still" });
  const held = written;
  const hash = createHash("sha256");
  for await (const part of answer.body as unknown as AsyncIterable<Uint8Array>) hash.update(part);
  assert.equal(
    hash.digest("hex"),
    createHash("sha256")
      .update(Buffer.alloc(64 << 20, "x"))
      .digest("hex"),
  );
  assert.ok(held < 40, `${held} MiB were written before anything was read`);
});
