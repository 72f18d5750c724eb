import type { Http2Server } from "node:http2";
import type { Server, ServerCredentials } from "@grpc/grpc-js";

/** Bytes in flight per stream and per connection: 800 MB/s at 10 ms. The default of 64 KiB gives 4 MiB/s there. */
export const WINDOW_BYTES = 8 * 1024 * 1024;

/** Bytes of one frame that a server takes: a message of 1 MiB is 64 frames of the default size, each with its own event. */
export const FRAME_BYTES = 1 << 20;

/** Silence after which a peer with open calls is asked whether it lives, and the time it has to answer. */
export const KEEPALIVE_MS = 30_000;

/**
 * Calls that one connection may cancel at once, and in each second after. Node and Bun end a connection after 1,000 at once and 33 a second, a
 * guard against rapid resets (CVE-2023-44487); but a gateway passes the cancels of all its clients on through one connection.
 */
const CANCELS = { streamResetBurst: 10_000, streamResetRate: 1_000 };

type Internals = {
  commonServerOptions?: { settings?: Record<string, unknown> };
  createHttp2Server?: (credentials: ServerCredentials) => Http2Server;
};

/**
 * Widens the windows of a server that is not yet bound, and what it takes of cancelled calls. grpc-js reads `grpc-node.flow_control_window` in its client only
 * (1.14.7; grpc-node #3058), so this reaches for the two internals where the server makes its HTTP/2 server.
 * `initialWindowSize` lifts the window of a stream, `setLocalWindowSize` that of the connection; both are needed.
 */
export function widenServerWindows(server: Server): void {
  const internals = server as unknown as Internals;
  const { commonServerOptions, createHttp2Server } = internals;
  if (commonServerOptions === undefined || createHttp2Server === undefined) {
    throw new Error("this version of grpc-js has other internals: see libs/rpc/flow-control.ts");
  }
  Object.assign(commonServerOptions, CANCELS);
  commonServerOptions.settings = { ...commonServerOptions.settings, initialWindowSize: WINDOW_BYTES, maxFrameSize: FRAME_BYTES };
  internals.createHttp2Server = (credentials) => {
    const http2Server = createHttp2Server.call(server, credentials);
    http2Server.on("session", (session) => session.setLocalWindowSize(WINDOW_BYTES));
    return http2Server;
  };
}
