import type { UniversalHandlerFn } from "@connectrpc/connect/protocol";
import { universalRequestFromNodeRequest, universalResponseToNodeResponse } from "@connectrpc/connect-node";
import type { HttpHandler } from "#libs/http";

/**
 * A handler of Connect for a server of Node's. As `connectNodeAdapter` does it, for all paths alike: bodies are streams both ways, a slow reader
 * holds the sender, and the request's `signal` aborts when the caller leaves.
 */
export function nodeHandler(handle: UniversalHandlerFn): HttpHandler {
  return async (request, response) => {
    const answer = await handle(universalRequestFromNodeRequest(request, response, undefined, undefined));
    // It never resolves, and rejects where the body breaks or the caller leaves: half an answer must not look like a whole one.
    universalResponseToNodeResponse(answer, response).catch(() => response.destroy());
  };
}
