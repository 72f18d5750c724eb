import assert from "node:assert/strict";
import { connect } from "node:net";
import { test } from "node:test";
import { type HttpHandler, readBody, serveHttp } from "./index.ts";

const limits = { headerBytes: 4096, headersMs: 400, idleMs: 200, stallMs: 400, bodyBytes: 1000 };

const handler: HttpHandler = async (request, response) => {
  if (request.url === "/slow") await new Promise((resolve) => setTimeout(resolve, 1200));
  if (request.url !== "/large") return response.end(`${(await readBody(request, limits.bodyBytes)).length} bytes`);
  response.write(Buffer.alloc(64 << 20));
  return response.end();
};

const server = await serveHttp({ address: "127.0.0.1:0", handler, limits, drainMs: 0, log: { info() {}, error() {} } });
test.after(() => server.drain());

/** Sends bytes, then `drip` again and again; gives what came back until the server closed the connection. */
function talk(text: string, { drip }: { readonly drip?: string }): Promise<string> {
  return new Promise((resolve) => {
    let answer = "";
    const socket = connect(server.port, "127.0.0.1", () => socket.write(text));
    const timer = drip === undefined ? undefined : setInterval(() => socket.writable && socket.write(drip), 50);
    socket.on("data", (chunk) => {
      answer += chunk;
    });
    socket.on("error", () => undefined);
    socket.on("close", () => {
      clearInterval(timer);
      resolve(answer);
    });
  });
}

const head = "Host: localhost\r\n";

const wrong = [
  ["a client that says nothing", "", {}, /^HTTP\/1\.1 408 /],
  ["headers that come drop by drop", `GET / HTTP/1.1\r\n${head}`, { drip: "a: b\r\n" }, /^HTTP\/1\.1 408 [\s\S]*did not arrive in time/],
  ["headers that are too large", `GET / HTTP/1.1\r\n${head}a: ${"b".repeat(5000)}\r\n\r\n`, {}, /^HTTP\/1\.1 431 [\s\S]*too large/],
  ["what is no HTTP", "\x16\x03\x01 hello\r\n\r\n", {}, /^HTTP\/1\.1 400 [\s\S]*no request/],
  ["an idle connection", `GET / HTTP/1.1\r\n${head}\r\n`, {}, /^HTTP\/1\.1 200 OK[\s\S]*0 bytes$/],
  ["a body that stands still", `POST / HTTP/1.1\r\n${head}content-length: 100\r\n\r\nabc`, {}, /^$/],
  ["a body that says it is too large", `POST / HTTP/1.1\r\n${head}content-length: 1001\r\n\r\n`, {}, /^HTTP\/1\.1 413 /],
  [
    "a body that does not say so",
    `POST / HTTP/1.1\r\n${head}transfer-encoding: chunked\r\n\r\n`,
    { drip: `1f4\r\n${"x".repeat(500)}\r\n` },
    /^HTTP\/1\.1 413 [\s\S]*more than 1000 bytes/,
  ],
] as const;

/** What is read of an answer whose reader begins only when the server must have given up: what its kernel and ours held. */
function readLate(): Promise<number> {
  return new Promise((resolve) => {
    let read = 0;
    const socket = connect(server.port, "127.0.0.1", () => socket.write(`GET /large HTTP/1.1\r\n${head}\r\n`));
    socket.on("error", () => undefined);
    socket.on("close", () => resolve(read));
    setTimeout(() => {
      socket.on("data", (chunk) => {
        read += chunk.length;
      });
    }, 1500);
  });
}

// All at once: each waits for a limit of time.
test("who makes the server wait, or sends what it does not take, is cut off", { timeout: 30_000 }, async () => {
  const [late, ...answers] = await Promise.all([readLate(), ...wrong.map(([, text, options]) => talk(text, options))]);
  for (const [i, [what, , , expected]] of wrong.entries()) assert.match(answers[i]!, expected, what);
  assert.ok(late < 64 << 20, "an answer that nobody reads");
});

test("what is broken ends its own connection, and nothing else", { timeout: 30_000 }, async () => {
  const close = "connection: close\r\n";
  const chunked = `POST / HTTP/1.1\r\n${head}${close}transfer-encoding: chunked\r\n\r\n`;
  const broken = [
    `CONNECT example.org:443 HTTP/1.1\r\n${head}${close}\r\n`,
    `GET / HTTP/1.1\r\n${head}connection: upgrade\r\nupgrade: websocket\r\n\r\n`,
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    `GET / HTTP/1.1\r\n${close}\r\n`,
    `GET //\\%zz?%%% HTTP/1.1\r\n${head}${close}\r\n`,
    `GET / HTTP/1.1\r\n${head}${close}a\x01b: c\r\n\r\n`,
    `POST / HTTP/1.1\r\n${head}${close}content-length: -1\r\n\r\n`,
    `POST / HTTP/1.1\r\n${head}${close}content-length: 1\r\ncontent-length: 2\r\n\r\nab`,
    `POST / HTTP/1.1\r\n${head}${close}content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
    `POST / HTTP/1.1\r\n${head}${close}expect: miracles\r\ncontent-length: 0\r\n\r\n`,
    `${chunked}zz\r\nab\r\n`,
    `${chunked}2\r\nabcd\r\n0\r\n\r\n`,
    `${chunked}ffffffffffffffffff\r\na`,
  ];
  const answers = await Promise.all(broken.map((text) => talk(text, {})));
  for (const [i, answer] of answers.entries()) assert.match(answer, /^(HTTP\/1\.1 [2-5]\d\d |$)/, broken[i]);
  assert.equal(await (await fetch(server.url)).text(), "0 bytes");
});

test("who waits for the server is not cut off", { timeout: 20_000 }, async () => {
  assert.equal(await (await fetch(`${server.url}/slow`, { method: "POST", body: "abc" })).text(), "3 bytes");
});

test("a body is read within its limit", async () => {
  assert.equal(await (await fetch(server.url, { method: "POST", body: "x".repeat(1000) })).text(), "1000 bytes");
});
