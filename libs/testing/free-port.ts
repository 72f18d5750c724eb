import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";

/**
 * A TCP port on 127.0.0.1 that was free a moment ago. For servers that cannot choose one themselves or must come back on the same one.
 * @example
 * ```ts
 * const port = await freePort();
 * port > 0 && port < 65536; // true
 * ```
 */
export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
