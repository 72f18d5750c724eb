import type { UniversalServerRequest, UniversalServerResponse } from "@connectrpc/connect/protocol";
import { type Clients, invalidArgument } from "#libs/rpc";
import { quote } from "#libs/text";
import { AveragingService } from "#proto/ratatouille/v1/averaging_pb.ts";
import { CatalogService } from "#proto/ratatouille/v1/catalog_pb.ts";
import { answer } from "../answers.ts";
import { downloadBlob, uploadBlob } from "./blobs.ts";
import { deleteContribution, headContribution, putContribution } from "./contributions.ts";

/** What answers at a path, by HTTP's methods. */
export type Resource = { readonly [method: string]: (request: UniversalServerRequest) => Promise<UniversalServerResponse> };

const BLOB = /^\/v1\/blobs\/([^/]+)$/;
const CONTRIBUTION = /^\/v1\/sessions\/([^/]+)\/contributions\/([^/]+)$/;

/**
 * Finds what is at a path: a blob, or a contribution to a session. Undefined where nothing is.
 * @throws RpcError INVALID_ARGUMENT for a path that no UTF-8 can be
 */
export function bytesResources(clients: Clients): (path: string) => Resource | undefined {
  const catalog = clients.client(CatalogService);
  const averaging = clients.client(AveragingService);
  const blob = (digest: string): Resource => {
    const get = (request: UniversalServerRequest) => downloadBlob(catalog, digest, request);
    return { GET: get, HEAD: get, PUT: (request) => uploadBlob(catalog, digest, request) };
  };
  const contribution = (sessionId: string, contributor: string): Resource => {
    const place = { sessionId, contributor };
    return {
      HEAD: (request) => headContribution(averaging, place, request),
      PUT: (request) => putContribution(averaging, place, request),
      DELETE: (request) => deleteContribution(averaging, place, request),
    };
  };
  return (path) => {
    const [, digest] = BLOB.exec(path) ?? [];
    if (digest !== undefined) return blob(decoded(digest));
    const [, session, contributor] = CONTRIBUTION.exec(path) ?? [];
    return session === undefined || contributor === undefined ? undefined : contribution(decoded(session), decoded(contributor));
  };
}

/**
 * What traces and metrics call a path: few names for many paths.
 * @example
 * ```ts
 * nameOf("/v1/blobs/sha256:12"); // "/v1/blobs/{digest}"
 * ```
 */
export function nameOf(path: string): string | undefined {
  if (BLOB.test(path)) return "/v1/blobs/{digest}";
  return CONTRIBUTION.test(path) ? "/v1/sessions/{session}/contributions/{contributor}" : undefined;
}

/** The answer of a resource: 405 with those that there are, to other methods. */
export function ask(resource: Resource, request: UniversalServerRequest): Promise<UniversalServerResponse> {
  const handle = Object.hasOwn(resource, request.method) ? resource[request.method] : undefined;
  return handle === undefined ? Promise.resolve(answer(405, { allow: Object.keys(resource).join(", ") })) : handle(request);
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch (cause) {
    throw invalidArgument(`the path has ${quote(segment)}, which is not UTF-8 in percent-encoding`, { reason: "PATH_INVALID", cause });
  }
}
