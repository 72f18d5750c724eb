import type { HttpHandler } from "#libs/http";
import type { BlobDirectory } from "./blobs/read-blob.ts";
import type { Uploads } from "./blobs/uploads.ts";
import type { Catalog } from "./catalog.ts";
import { ociError } from "./errors.ts";
import { checkRepository } from "./names.ts";
import type { Referrers } from "./referrers/list-referrers.ts";
import { type Route, routeOf } from "./routes.ts";
import { beginUpload, continueUpload, type Exchange, getBlob } from "./serve-blobs.ts";
import { getManifest, getReferrers, getRepositories, getTags, putManifest, removeManifest } from "./serve-manifests.ts";

/** What the endpoints work on. */
export type Registry = {
  readonly catalog: Catalog;
  readonly referrers: Referrers;
  readonly uploads: Uploads;
  readonly directory: BlobDirectory | undefined;
};

type Work = (exchange: Exchange) => Promise<void> | void;

/** The distribution API as a handler of HTTP. */
export function createHandler(registry: Registry): HttpHandler {
  return (request, response, { signal }) => {
    const [path = "", ...rest] = (request.url ?? "").split("?");
    const route = routeOf(path);
    if (route === undefined) throw ociError(404, "UNSUPPORTED", "there is nothing here but the OCI distribution API, below /v2/");
    response.setHeader("docker-distribution-api-version", "registry/2.0");
    if ("name" in route) checkRepository(route.name);
    const methods = methodsOf(registry, route);
    const work = methods[request.method ?? ""];
    if (work === undefined) {
      const allow = Object.keys(methods).join(", ");
      throw ociError(405, "UNSUPPORTED", `${request.method} is not supported here; there are ${allow}`, { allow });
    }
    return work({ request, response, query: new URLSearchParams(rest.join("?")), signal });
  };
}

/** What can be done at an endpoint. */
function methodsOf(registry: Registry, route: Route): { readonly [method: string]: Work } {
  const { catalog, referrers, uploads } = registry;
  const read = (work: Work) => ({ GET: work, HEAD: work });
  switch (route.to) {
    case "base":
      return read(({ response }) => void response.writeHead(200, { "content-type": "application/json" }).end("{}"));
    case "repositories":
      return read((exchange) => getRepositories(catalog, exchange));
    case "manifest":
      return {
        ...read((exchange) => getManifest(registry, route, exchange)),
        PUT: (exchange) => putManifest(catalog, route, exchange),
        DELETE: (exchange) => removeManifest(catalog, route, exchange),
      };
    case "blob":
      // Blobs go when no artifact needs them: see CollectGarbage.
      return read((exchange) => getBlob(registry, route.digest, exchange));
    case "uploads":
      return { POST: (exchange) => beginUpload(registry, route.name, exchange) };
    case "upload": {
      const work: Work = (exchange) => continueUpload(uploads, route, exchange);
      return { GET: work, PATCH: work, PUT: work, DELETE: work };
    }
    case "tags":
      return read((exchange) => getTags(catalog, route.name, exchange));
    case "referrers":
      return read((exchange) => getReferrers(referrers, route.digest, exchange));
  }
}
