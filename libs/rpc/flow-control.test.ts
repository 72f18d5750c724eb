import assert from "node:assert/strict";
import { once } from "node:events";
import http2 from "node:http2";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { waitFor } from "#libs/testing";
import { FRAME_BYTES, WINDOW_BYTES } from "./flow-control.ts";
import { connect, serve } from "./index.ts";

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
