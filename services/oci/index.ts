import { type HttpServer, serveHttp } from "#libs/http";
import type { Clients, ServerTls } from "#libs/rpc";
import type { Service } from "#libs/service";
import type { Logger } from "#libs/telemetry";
import type { BlobDirectory } from "./blobs/read-blob.ts";
import { createUploads } from "./blobs/uploads.ts";
import { openCatalog } from "./catalog.ts";
import { ociErrorBody } from "./errors.ts";
import { createHandler } from "./handler.ts";
import { createReferrers } from "./referrers/list-referrers.ts";
import { routeNames, routeOf } from "./routes.ts";

/** What the registry needs. */
export type OciDependencies = {
  /** Reach the catalog. */
  readonly clients: Clients;
  readonly log: Logger;
  /** Where it listens for HTTP: `host:port`, 0 for a free one. */
  readonly address: string;
  readonly tls?: ServerTls | undefined;
  /** What its clients present: bearer token, or password of any user. */
  readonly token?: string | undefined;
  readonly insecure?: boolean | undefined;
  /** The catalog's blobs, where this process can read them as files. */
  readonly directory?: BlobDirectory | undefined;
};

/** A catalog as an OCI registry, and where it listens. */
export type OciRegistry = Service & Pick<HttpServer, "address" | "url">;

/** Pushes and pulls may go on for so long when it ends. */
const DRAIN_MS = 1000;

/**
 * The OCI distribution API on a port of its own, in front of a catalog. It has no state of its own: what is pushed is in the catalog.
 * @throws RpcError as serveHttp
 */
export async function createOci({ clients, log, directory, ...listener }: OciDependencies): Promise<OciRegistry> {
  const catalog = openCatalog(clients);
  const uploads = createUploads(catalog);
  const server = await serveHttp({
    ...listener,
    handler: createHandler({ catalog, referrers: createReferrers(catalog), uploads, directory }),
    // Clients of registries know names and passwords.
    challenge: "Basic",
    errorBody: ociErrorBody,
    routeOf: ({ url = "" }) => {
      const route = routeOf(url.split("?", 1)[0] ?? "");
      return route && routeNames[route.to];
    },
    log,
    drainMs: DRAIN_MS,
  });
  log.info({ address: server.url }, "the registry listens");
  return {
    name: "oci",
    address: server.address,
    url: server.url,
    registrations: [],
    // Work happens inside requests only.
    run: async () => {},
    checks: [
      {
        name: "catalog",
        // Who starts first waits for nobody: calls say what is away.
        vital: false,
        check: async () => void (await catalog.client.listRefs({ pageSize: 1 }, { timeoutMs: 900, untraced: true })),
      },
    ],
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      uploads[Symbol.dispose]();
    },
  };
}
