import assert from "node:assert/strict";
import { once } from "node:events";
import { connect as connectHttp2, type IncomingHttpHeaders } from "node:http2";
import { test } from "node:test";
import { Code } from "./index.ts";
import { pair } from "./testing/pair.ts";

const empty = Buffer.alloc(5); // a message of no bytes, not compressed

/** The head or the trailers that end a call made without a gRPC library. */
async function raw(port: number, headers: Record<string, string>): Promise<IncomingHttpHeaders> {
  const session = connectHttp2(`http://127.0.0.1:${port}`);
  try {
    const method = { ":method": "POST", ":path": "/ratatouille.v1.CatalogService/GetArtifact" };
    const stream = session.request({ ...method, "content-type": "application/grpc", te: "trailers", ...headers });
    const trailers = once(stream, "trailers");
    trailers.catch(() => undefined);
    stream.end(empty);
    const [head] = await once(stream, "response");
    stream.resume();
    return head["grpc-status"] === undefined ? (await trailers)[0] : head;
  } finally {
    session.destroy();
  }
}

const long = "x".repeat(9_000);

test("what arrives beside the message is never sent back at its length", async () => {
  await using p = await pair({ catalog: { getArtifact: () => ({}) } });
  const cases: [Record<string, string>, Code, RegExp][] = [
    [{ ":path": `/${long}` }, Code.UNIMPLEMENTED, /^this server has no method "\/x{198}…"$/],
    [{ ":path": "/a%0d%0ab" }, Code.UNIMPLEMENTED, /no method "\/a%0d%0ab"/],
    [{ "grpc-timeout": long }, Code.INVALID_ARGUMENT, /^grpc-timeout is "x{199}…"; expected at most eight digits/],
    [{ "grpc-timeout": "-5S" }, Code.INVALID_ARGUMENT, /"-5S"/],
    [{ "grpc-timeout": "123456789S" }, Code.INVALID_ARGUMENT, /"123456789S"/],
    [{ "grpc-encoding": long }, Code.UNIMPLEMENTED, /^grpc-encoding is "x{199}…"; this server knows identity/],
  ];
  for (const [headers, code, message] of cases) {
    const answer = await raw(p.server.port, headers);
    assert.equal(Number(answer["grpc-status"]), code);
    assert.match(decodeURI(String(answer["grpc-message"])), message);
    assert.ok(Buffer.byteLength(JSON.stringify(answer)) < 2_000);
  }
});

test("a deadline beyond 2^31 milliseconds is a long one", async () => {
  const left: number[] = [];
  await using p = await pair({
    catalog: {
      async getArtifact(_, { deadline, signal }) {
        left.push(Number(deadline) - Date.now());
        // With the timer at 1 ms, or before now, the call would end here.
        await new Promise((resolve) => setTimeout(resolve, 30));
        signal.throwIfAborted();
        return {};
      },
    },
  });
  // 86,400 s; 24.8 days and a second more; a year; 100 million hours.
  for (const timeout of ["86400S", "2147483S", "2147484S", "31536000S", "99999999H"]) {
    assert.equal((await raw(p.server.port, { "grpc-timeout": timeout }))["grpc-status"], "0", timeout);
  }
  assert.ok(
    left.every((ms) => ms > 86_000_000),
    left.join(),
  );
});
