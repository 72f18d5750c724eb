import { createConnection, createServer } from "node:net";
import { isRpcError } from "#libs/rpc";

/** Where `ratatouille up` listens unless told otherwise. */
export const DEFAULT_LISTEN = "127.0.0.1:7437";

/** Whether something accepts connections at `host:port`. */
export function portState(address: string): Promise<"free" | "taken"> {
  const [host = "", port = ""] = address.split(/:(?=\d+$)/);
  return new Promise((resolve) => {
    const socket = createConnection({ host, port: Number(port) });
    socket.once("connect", () => {
      socket.destroy();
      resolve("taken");
    });
    socket.once("error", () => resolve("free"));
  });
}

const MAX_TRIES = 5;

/**
 * Opens something that listens on a free port of the loopback interface and has to know its address before. Another program may take the
 * port in between (RpcError ADDRESS_IN_USE): then another port is tried.
 */
export async function onFreePort<T>(open: (address: string) => Promise<T>, choose: () => Promise<number> = freePort): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await open(`127.0.0.1:${await choose()}`);
    } catch (error) {
      if (tries === MAX_TRIES || !isRpcError(error, undefined, "ADDRESS_IN_USE")) throw error;
    }
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const bound = probe.address();
      probe.close(() => resolve(typeof bound === "object" && bound ? bound.port : 0));
    });
  });
}
