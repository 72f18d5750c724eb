import { cors as connect } from "@connectrpc/connect";
import type { UniversalHandlerFn, UniversalServerRequest } from "@connectrpc/connect/protocol";
import { permissionDenied } from "#libs/rpc";
import { quote } from "#libs/text";
import { answer, refuse } from "./answers.ts";

/** Pages of which origins may call, as in `https://lab.example`; "*" is every one. */
export type Origins = readonly string[];

const methods = [...connect.allowedMethods, "HEAD", "PUT", "DELETE"].join(", ");
const sent = [
  ...connect.allowedHeaders,
  ...["Authorization", "Content-Range", "If-None-Match", "If-Range", "Range", "Session-Secret", "Traceparent", "Tracestate"],
].join(", ");
const shown = [
  ...connect.exposedHeaders,
  ...["Accept-Ranges", "Content-Length", "Content-Range", "ETag", "Upload-Complete", "Upload-Length", "Upload-Offset"],
].join(", ");

/**
 * Lets pages of some origins call: answers browsers that ask beforehand, and tells them with each answer that the page may read it. Pages of
 * other origins are refused: they could not read the answer, and what they asked for would be done all the same.
 */
export function withCors(origins: Origins, handle: UniversalHandlerFn): UniversalHandlerFn {
  return async (request) => {
    const origin = request.header.get("origin");
    if (origin === null || origin === new URL(request.url).origin) return handle(request);
    if (!origins.includes(origin) && !origins.includes("*")) return refuse(notAllowed(origin), { vary: "Origin" });
    if (isPreflight(request)) return answer(204, preflight(origin));
    const given = await handle(request);
    const header = new Headers(given.header);
    // Tokens travel in a header and never as cookies, so credentials are nobody's concern.
    header.set("access-control-allow-origin", origin);
    header.set("access-control-expose-headers", shown);
    header.append("vary", "Origin");
    return { ...given, header };
  };
}

function isPreflight({ method, header }: UniversalServerRequest): boolean {
  return method === "OPTIONS" && header.has("access-control-request-method");
}

/** A browser need not ask again for two hours, which is the longest that any of them remembers. */
function preflight(origin: string): Readonly<Record<string, string>> {
  return {
    "access-control-allow-origin": origin,
    "access-control-allow-methods": methods,
    "access-control-allow-headers": sent,
    "access-control-max-age": "7200",
    vary: "Origin, Access-Control-Request-Method, Access-Control-Request-Headers",
  };
}

function notAllowed(origin: string) {
  return permissionDenied(`pages of ${quote(origin)} may not call this server; --origins names those that may`, {
    reason: "ORIGIN_NOT_ALLOWED",
  });
}
