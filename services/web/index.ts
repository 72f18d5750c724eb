import { type HttpLog, type HttpServer, serveHttp } from "#libs/http";
import { type Clients, type ServerTls, unavailable } from "#libs/rpc";
import type { Service } from "#libs/service";
import { Health, HealthCheckResponse_ServingStatus } from "#proto/grpc/health/v1/health_pb.ts";
import type { Origins } from "./cors.ts";
import { nodeHandler } from "./node-handler.ts";
import { createRoutes } from "./routes.ts";

export type WebOptions = {
  /** Reach the services of the system. */
  readonly clients: Clients;
  readonly log: HttpLog;
  /** Where it listens: `host:port`, 0 for a free port. */
  readonly address: string;
  readonly tls?: ServerTls | undefined;
  /** What every caller has to present, browsers that only ask whether they may call excepted. */
  readonly token?: string | undefined;
  readonly insecure?: boolean | undefined;
  /** Pages of which origins may call; none unless given. */
  readonly origins?: Origins | undefined;
};

/** The API over HTTP, and where it listens. */
export type Web = Service & Pick<HttpServer, "address" | "url">;

/** Calls may go on for so long when it ends. */
const DRAIN_MS = 1000;
const PATIENCE_MS = 900;

/**
 * The API of a system over HTTP, for people and browsers, on a port of its own. It owns nothing and has no state.
 * @throws RpcError as serveHttp
 */
export async function createWeb({ clients, origins = [], ...options }: WebOptions): Promise<Web> {
  const { handle, routeOf } = createRoutes({ clients, origins, ...options });
  let ready = true;
  const server = await serveHttp({
    ...options,
    handler: nodeHandler(handle),
    // The token is looked at where the answer can be told in the caller's protocol, and to pages of other origins.
    isOpen: () => true,
    isReady: () => ready,
    routeOf,
    drainMs: DRAIN_MS,
  });
  return {
    name: "web",
    address: server.address,
    url: server.url,
    registrations: [],
    // Work happens inside requests only.
    run: async () => {},
    checks: [
      {
        name: "gateway",
        // Who starts first waits for nobody: calls say what is away.
        vital: false,
        async check() {
          const { status } = await clients
            .client(Health)
            .check({}, { timeoutMs: PATIENCE_MS })
            .catch((error: unknown) => {
              ready = false;
              throw error;
            });
          ready = status === HealthCheckResponse_ServingStatus.SERVING;
          if (!ready) throw unavailable("the gateway is not ready");
        },
      },
    ],
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}
