import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { testProcess, waitFor } from "#libs/testing";
import { CatalogService } from "#proto/ratatouille/v1/catalog_pb.ts";
import { connect } from "./index.ts";
import { callFields, Flag, FrameType, frame, headerBlock, rawConnection } from "./testing/raw-http2.ts";

// What a client without a token may send: no process ends, and nobody else's call.
// The cases are those of h2spec in which frames follow a request at once: https://github.com/summerwind/h2spec

const program = fileURLToPath(new URL("testing/program.ts", import.meta.url));
const runtimeArguments = "Deno" in globalThis ? ["run", "-A", "--no-check"] : [];

const path = "/ratatouille.v1.CatalogService/GetArtifact";
const zeros = (length: number) => new Uint8Array(length);
const number = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};
const open = (fields: Record<string, string>, flags: number = Flag.END_HEADERS) => frame(FrameType.HEADERS, flags, 1, headerBlock(fields));
const mark = Buffer.from("sentinel");
const browser = { ":method": "GET", ":scheme": "http", ":path": "/", ":authority": "x" };

/** What comes right behind the HEADERS of a request. */
const behind: Readonly<Record<string, Uint8Array>> = {
  "4.2/2: DATA larger than SETTINGS_MAX_FRAME_SIZE": frame(FrameType.DATA, 0, 1, zeros(20_000)),
  "4.2/3: HEADERS larger than SETTINGS_MAX_FRAME_SIZE": frame(FrameType.HEADERS, Flag.END_HEADERS, 3, zeros(20_000)),
  "4.3/1: a header block that cannot be read": frame(
    FrameType.HEADERS,
    Flag.END_HEADERS,
    3,
    Buffer.from([0x7f, 0xff, 0xff, 0xff, 0xff, 0xff]),
  ),
  "5.1/5: DATA on a stream that both sides have closed": Buffer.concat([
    frame(FrameType.RST_STREAM, 0, 1, number(8)),
    frame(FrameType.DATA, 0, 1, zeros(8)),
  ]),
  "5.1/8: HEADERS on a stream that was reset": Buffer.concat([frame(FrameType.RST_STREAM, 0, 1, number(8)), open(callFields(path))]),
  "5.1.1/2: a stream with a smaller number": frame(FrameType.HEADERS, Flag.END_HEADERS, 0, headerBlock(callFields(path))),
  "6.1/1: DATA on stream 0": frame(FrameType.DATA, 0, 0, zeros(8)),
  "6.1/3: padding longer than DATA": frame(FrameType.DATA, 8, 1, Buffer.from([200, 0])),
  "6.3/1: PRIORITY on stream 0": frame(FrameType.PRIORITY, 0, 0, zeros(5)),
  "6.3/2: PRIORITY of the wrong length": frame(FrameType.PRIORITY, 0, 1, zeros(4)),
  "6.4/1: RST_STREAM on stream 0": frame(FrameType.RST_STREAM, 0, 0, number(8)),
  "6.4/2: RST_STREAM of an idle stream": frame(FrameType.RST_STREAM, 0, 99, number(8)),
  "6.4/3: RST_STREAM of the wrong length": frame(FrameType.RST_STREAM, 0, 1, zeros(3)),
  "6.5/1: SETTINGS on a stream": frame(FrameType.SETTINGS, 0, 1, zeros(0)),
  "6.8/1: GOAWAY on a stream": frame(FrameType.GOAWAY, 0, 1, zeros(8)),
  "6.8: GOAWAY": frame(FrameType.GOAWAY, 0, 0, zeros(8)),
  "6.9/1: WINDOW_UPDATE of nothing": frame(FrameType.WINDOW_UPDATE, 0, 0, number(0)),
  "6.9/2: WINDOW_UPDATE of nothing, on a stream": frame(FrameType.WINDOW_UPDATE, 0, 1, number(0)),
  "6.9/3: WINDOW_UPDATE of the wrong length": frame(FrameType.WINDOW_UPDATE, 0, 1, zeros(3)),
  "6.9.1/2: a window above 2^31 - 1": frame(FrameType.WINDOW_UPDATE, 0, 1, number(2 ** 31 - 1)),
  "6.10: CONTINUATION without HEADERS": frame(FrameType.CONTINUATION, Flag.END_HEADERS, 1, zeros(8)),
  garbage: Buffer.alloc(9, 0xff),
  "a reset": frame(FrameType.RST_STREAM, 0, 1, number(8)),
};

test("no frame ends the process or the call of another connection", async () => {
  await using child = testProcess(process.execPath, [...runtimeArguments, program, "serve"]);
  const address = (await child.line("at ")).slice(3);
  const port = Number(address.split(":").at(-1));
  using channel = connect(address);
  const bystander = channel.client(CatalogService).downloadBlob({}, { timeoutMs: 0 })[Symbol.asyncIterator]();
  await bystander.next();
  let failed: unknown;
  bystander.next().catch((error) => (failed = error));
  const check = async (what: string) => {
    assert.deepEqual([child.child.exitCode, child.child.signalCode], [null, null], `${what} ended the process: ${child.lines.join("\n")}`);
    using other = connect(address);
    await other.ready(10_000);
    assert.equal(failed, undefined, `${what} ended the call of another client`);
  };
  for (const [what, bytes] of Object.entries(behind)) {
    for (const fields of [
      browser,
      callFields(path),
      callFields("/ratatouille.v1.CatalogService/DownloadBlob"),
      callFields("/nobody/Knows"),
    ]) {
      await using connection = await rawConnection(port);
      connection.send(open(fields), bytes, frame(FrameType.PING, 0, 0, mark));
      // Most of these end the connection; after the others it goes on.
      await waitFor(() => connection.isClosed() || connection.received().includes(mark), {
        timeoutMs: 5_000,
        what: `an answer to ${what}`,
      });
    }
    await check(what);
  }
  for (const fields of [browser, callFields(path)]) {
    await using connection = await rawConnection(port);
    connection.send(open(fields));
    connection.reset();
  }
  await check("a reset of TCP");
});
