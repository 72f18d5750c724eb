import assert from "node:assert/strict";
import { once } from "node:events";
import http2 from "node:http2";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { waitFor } from "#libs/testing";
import { CatalogService } from "#proto/ratatouille/v1/catalog_pb.ts";
import { FRAME_BYTES, WINDOW_BYTES } from "./flow-control.ts";
import { connect, implement, serve } from "./index.ts";

test("a server opens windows of 8 MiB for streams and for the connection", async () => {
  await using server = await serve({ address: "127.0.0.1:0", services: [], drainMs: 0 });
  const session = http2.connect(`http://${server.address}`);
  try {
    await once(session, "remoteSettings");
    await waitFor(() => session.remoteSettings.initialWindowSize === WINDOW_BYTES, { what: "the window of streams" });
    assert.equal(session.remoteSettings.maxFrameSize, FRAME_BYTES);
    await waitFor(() => (session.state.remoteWindowSize ?? 0) >= WINDOW_BYTES, { what: "the window of the connection" });
  } finally {
    session.destroy();
  }
});

test("a client opens windows of 8 MiB for streams and for the connection", async () => {
  const server = http2.createServer();
  const sessions: http2.ServerHttp2Session[] = [];
  server.on("session", (session) => sessions.push(session));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const channel = connect(`127.0.0.1:${(server.address() as AddressInfo).port}`);
  try {
    await channel.ready(5000);
    const session = sessions[0];
    assert.ok(session !== undefined);
    await waitFor(() => session.remoteSettings.initialWindowSize === WINDOW_BYTES, { what: "the window of streams" });
    await waitFor(() => (session.state.remoteWindowSize ?? 0) >= WINDOW_BYTES, { what: "the window of the connection" });
  } finally {
    channel.close();
    for (const session of sessions) session.destroy();
    server.close();
  }
});

/** Messages of 1 MiB that are sent, and how many of them are read, one whenever no more is sent, before what is on its way is counted. */
const SENT = 300;
const READ = 30;
/** A window of 8 MiB on each of both sides, messages that grpc-js reads ahead, and what runtimes have in the hands of the kernel. */
const ON_THE_WAY = 120;

/** Messages, counted as they are taken to be sent. */
function messages(counter: { sent: number }) {
  return Array.from({ length: SENT }, () => {
    return {
      get bytes() {
        counter.sent += 1;
        return new Uint8Array(1 << 20);
      },
    };
  });
}

/** Waits until no more is sent, for want of a reader. */
async function settled(counter: { readonly sent: number }): Promise<void> {
  for (let before = -1; before !== counter.sent; await sleep(40)) before = counter.sent;
}

test("a handler that reads slowly holds its client back", async () => {
  const counter = { sent: 0 };
  const counted = Promise.withResolvers<number>();
  const catalog = implement(CatalogService, {
    async uploadBlob(requests) {
      let read = 0;
      for await (const _ of requests) {
        read += 1;
        if (read === READ) counted.resolve(counter.sent - read);
        if (read < READ) await settled(counter);
      }
      return { sizeBytes: BigInt(read) };
    },
  });
  await using server = await serve({ address: "127.0.0.1:0", services: [catalog], drainMs: 0 });
  using channel = connect(server.address);
  async function* requests() {
    for (const message of messages(counter)) yield { part: { case: "chunk" as const, value: message.bytes } };
  }
  const uploading = channel.client(CatalogService).uploadBlob(requests(), { timeoutMs: 60_000 });
  assert.ok((await counted.promise) < ON_THE_WAY, `${await counted.promise} MiB were on their way`);
  assert.equal((await uploading).sizeBytes, BigInt(SENT));
});

test("a client that reads slowly holds its server back", async () => {
  const counter = { sent: 0 };
  const catalog = implement(CatalogService, {
    async *downloadBlob() {
      for (const message of messages(counter)) yield { chunk: message.bytes };
    },
  });
  await using server = await serve({ address: "127.0.0.1:0", services: [catalog], drainMs: 0 });
  using channel = connect(server.address);
  let read = 0;
  for await (const _ of channel.client(CatalogService).downloadBlob({ digest: "x" }, { timeoutMs: 60_000 })) {
    read += 1;
    if (read === READ) assert.ok(counter.sent - read < ON_THE_WAY, `${counter.sent - read} MiB were on their way`);
    if (read < READ) await settled(counter);
  }
  assert.equal(read, SENT);
});
