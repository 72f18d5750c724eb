import type { EventEmitter } from "node:events";
import type { Http2Server } from "node:http2";
import type { Socket } from "node:net";
import type { Server, ServerCredentials } from "@grpc/grpc-js";

/**
 * Whether a server says goodbye (GOAWAY) before it closes. Deno 2.9 may crash in nghttp2 when a goodbye reaches a client or a server whose
 * streams have just closed (denoland/deno#36788), and what runs on Deno mostly serves what runs on Deno. There the connections are cut once
 * the calls have ended; to clients that is the same. What a client does: client-sessions.ts.
 */
export const saysGoodbye: boolean = !("Deno" in globalThis);

type Internals = { createHttp2Server?: (credentials: ServerCredentials) => Http2Server };

/** The connections of a server that is not yet bound. `cut` ends them all without a word. */
export function trackConnections(server: Server): { cut(): void } {
  const internals = server as unknown as Internals;
  const { createHttp2Server } = internals;
  if (createHttp2Server === undefined) throw new Error("this version of grpc-js has other internals: see libs/rpc/farewell.ts");
  const sockets = new Set<Socket>();
  const track = (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  };
  internals.createHttp2Server = (credentials) => {
    const http2Server = createHttp2Server.call(server, credentials);
    // Below TLS there is a socket of TCP, which "connection" has too.
    (http2Server as EventEmitter).on("connection", track);
    return http2Server;
  };
  return {
    cut() {
      for (const socket of sockets) socket.destroy();
    },
  };
}
