import { createConnection } from "node:net";

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
