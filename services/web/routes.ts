import { readFile } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import type { UniversalHandler, UniversalHandlerFn, UniversalServerRequest } from "@connectrpc/connect/protocol";
import { type Clients, isRpcError, type RpcLog, shortenedTimeout, tokenCheck, unimplemented } from "#libs/rpc";
import { quote } from "#libs/text";
import { answer, refuse } from "./answers.ts";
import { ask, bytesResources, nameOf } from "./bytes/resources.ts";
import { type Origins, withCors } from "./cors.ts";
import { rpcHandlers } from "./rpc/handlers.ts";
import { asLines, wantsLines } from "./rpc/lines.ts";
import { publicServices } from "./services.ts";

type RoutesOptions = {
  readonly clients: Clients;
  readonly token?: string | undefined;
  readonly origins: Origins;
  readonly log: RpcLog;
};

/** What is at which path, and what traces and metrics call it. */
export function createRoutes({ clients, token, origins, log }: RoutesOptions): {
  readonly handle: UniversalHandlerFn;
  readonly routeOf: (request: IncomingMessage) => string | undefined;
} {
  const check = tokenCheck(token);
  const admit = (header: Headers) => check(new Map(header));
  const methods = new Map(rpcHandlers(publicServices, { clients, admit, log }).map((handler) => [handler.requestPath, handler]));
  const resourceAt = bytesResources(clients);
  const openapi = readFile(new URL("../../proto/openapi.yaml", import.meta.url)).then((text) => new Uint8Array(text));
  openapi.catch(() => undefined);
  const other = async (request: UniversalServerRequest, path: string) => {
    try {
      admit(request.header);
      const resource = resourceAt(path);
      return resource === undefined ? refuse(unknownPath(path), {}, 404) : await ask(resource, request);
    } catch (error) {
      // What the catalog or a session says no to. All else is a bug, and the server's to tell.
      if (!isRpcError(error)) throw error;
      return refuse(error);
    }
  };
  return {
    handle: withCors(origins, async (request) => {
      const { pathname } = new URL(request.url);
      // What there is is no secret.
      if (pathname === OPENAPI && request.method === "GET") return answer(200, { "content-type": "application/yaml" }, await openapi);
      const method = methods.get(pathname);
      return method === undefined ? other(request, pathname) : call(method, request);
    }),
    routeOf({ url = "" }) {
      const path = url.split("?", 1)[0] ?? "";
      return methods.has(path) || path === OPENAPI ? path : nameOf(path);
    },
  };
}

const OPENAPI = "/openapi.yaml";

function call(method: UniversalHandler, request: UniversalServerRequest): ReturnType<UniversalHandlerFn> {
  for (const name of ["connect-timeout-ms", "grpc-timeout"]) {
    const timeout = request.header.get(name);
    if (timeout !== null) request.header.set(name, shortenedTimeout(timeout));
  }
  return wantsLines(method, request) ? asLines(method)(request) : method(request);
}

function unknownPath(path: string) {
  return unimplemented(`there is nothing at ${quote(path)}; ${OPENAPI} says what there is`, { reason: "PATH_UNKNOWN" });
}
