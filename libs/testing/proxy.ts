import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** A TCP proxy whose connections a test can delay, cut and half-close. */
export type TcpProxy = AsyncDisposable & {
  readonly address: string;
  /** Destroys all connections; returns how many sockets that were, two for each connection. */
  cut(): number;
  /** Ends one direction of all connections, towards the clients or towards the server, as a peer does that says no more and still listens. */
  halfClose(towards: "client" | "server"): void;
  /** Lets connections through, or refuses them and cuts those that are. */
  open: boolean;
  /** How long each piece of data is held back. */
  delayMs: number;
  /** Bytes that went through, both ways. */
  readonly bytes: number;
};

type Connection = { readonly client: Socket; readonly server: Socket };

/**
 * Starts a proxy on a free port.
 * @param target `host:port`, or what says it at the time of a connection: for a server that starts later, or comes back elsewhere.
 * @example
 * ```ts
 * import { once } from "node:events";
 * import { connect, createServer } from "node:net";
 * await using stack = new AsyncDisposableStack();
 * const server = createServer((socket) => socket.end("hello")).listen(0, "127.0.0.1");
 * stack.defer(() => server.close());
 * await once(server, "listening");
 * await using proxy = await startProxy(`127.0.0.1:${server.address().port}`);
 * const [host, port] = proxy.address.split(":");
 * const [greeting] = await once(connect(Number(port), host), "data");
 * String(greeting); // "hello"
 * ```
 */
export async function startProxy(target: string | (() => string)): Promise<TcpProxy> {
  const connections = new Set<Connection>();
  const state = { open: true, delayMs: 0, bytes: 0 };
  const close = ({ client, server }: Connection) => {
    client.destroy();
    server.destroy();
  };
  /** In order, piece by piece, and no faster than they are taken. */
  const forward = async (from: Socket, to: Socket) => {
    for await (const piece of from as AsyncIterable<Uint8Array>) {
      state.bytes += piece.byteLength;
      if (state.delayMs > 0) await sleep(state.delayMs);
      if (to.writableEnded || to.destroyed) continue;
      if (!to.write(piece)) await Promise.race([once(to, "drain"), once(to, "close")]);
    }
    to.end();
  };
  const listener = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    if (!state.open) return void client.destroy();
    const [host = "", port] = (typeof target === "string" ? target : target()).split(":");
    const connection = { client, server: connect({ host, port: Number(port), allowHalfOpen: true, noDelay: true }) };
    connections.add(connection);
    for (const socket of [client, connection.server]) {
      socket.on("error", () => undefined);
      socket.once("close", () => {
        connections.delete(connection);
        close(connection);
      });
    }
    for (const [from, to] of [
      [client, connection.server],
      [connection.server, client],
    ] as const)
      forward(from, to).catch(() => close(connection));
  });
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  const cut = () => {
    const count = 2 * connections.size;
    for (const connection of connections) close(connection);
    return count;
  };
  return {
    address: `127.0.0.1:${(listener.address() as AddressInfo).port}`,
    cut,
    halfClose(towards) {
      for (const connection of connections) connection[towards].end();
    },
    get open() {
      return state.open;
    },
    set open(value) {
      state.open = value;
      if (!value) cut();
    },
    get delayMs() {
      return state.delayMs;
    },
    set delayMs(value) {
      state.delayMs = value;
    },
    get bytes() {
      return state.bytes;
    },
    async [Symbol.asyncDispose]() {
      listener.close();
      cut();
      await once(listener, "close");
    },
  };
}
