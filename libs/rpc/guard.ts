import { constants, type IncomingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import type { Server } from "@grpc/grpc-js";
import { createPulse } from "#libs/concurrency";
import { quote } from "#libs/text";
import { invalidArgument, type RpcError, unimplemented } from "./errors.ts";
import { holdSender } from "./hold-sender.ts";
import { toWireStatus } from "./status.ts";
import { millisecondsOf, shortenedTimeout } from "./timeout.ts";

type StreamHandler = (this: Server, interceptors: unknown, stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void;
type Internals = { _streamHandler?: StreamHandler };

/**
 * Stands in front of a server that is not yet bound, where a request arrives that nobody has looked at. grpc-js (1.14.7) takes streams that have
 * ended already, whose answer throws where nothing catches it (Deno hands them out when a bad frame follows the request at once); it hears
 * one error of a stream, and another one is nobody's; it puts paths, deadlines and encodings into its answers as they came; and deadlines
 * beyond 2^31 milliseconds end at once.
 * @param methods the paths that are served
 * @returns what resolves when no stream is open
 */
export function guardStreams(server: Server, methods: ReadonlySet<string>): { closed(): Promise<void> } {
  const internals = server as unknown as Internals;
  const { _streamHandler: handle } = internals;
  if (handle === undefined) throw new Error("this version of grpc-js has other internals: see libs/rpc/guard.ts");
  const open = new Set<ServerHttp2Stream>();
  const left = createPulse();
  internals._streamHandler = (interceptors, stream, headers) => {
    // Whatever goes wrong with a stream ends its call, and grpc-js hears of that by "close".
    stream.on("error", () => undefined);
    if (stream.destroyed || stream.closed) return;
    open.add(stream);
    stream.once("close", () => {
      open.delete(stream);
      left.beat();
    });
    try {
      const refused = isGrpc(headers) ? refusal(headers, methods) : undefined;
      if (refused !== undefined) return respond(stream, refused);
      shortenTimeout(headers);
      handle.call(server, interceptors, holdSender(stream), headers);
    } catch (error) {
      // The stream ended between the look at it and the answer: there is nobody to tell.
      if (!stream.destroyed && !stream.closed) throw error;
    }
  };
  return {
    async closed() {
      while (open.size > 0) await left.changed(left.version);
    },
  };
}

const PATH = constants.HTTP2_HEADER_PATH;
const TIMEOUT = "grpc-timeout";
const ENCODING = "grpc-encoding";

function isGrpc(headers: IncomingHttpHeaders): boolean {
  return headers["content-type"]?.startsWith("application/grpc") === true;
}

/** Why a call cannot be: what grpc-js would answer with the caller's own text, of any length. */
function refusal(headers: IncomingHttpHeaders, methods: ReadonlySet<string>): RpcError | undefined {
  const [path, timeout, encoding] = [PATH, TIMEOUT, ENCODING].map((name) => String(headers[name] ?? ""));
  if (!methods.has(path!)) return unimplemented(`this server has no method ${quote(path!)}`, { reason: "METHOD_UNKNOWN" });
  if (timeout !== "" && millisecondsOf(timeout!) === undefined) {
    return invalidArgument(`grpc-timeout is ${quote(timeout!)}; expected at most eight digits and one of H, M, S, m, u, n`, {
      reason: "TIMEOUT_INVALID",
    });
  }
  if (!["", "identity", "gzip", "deflate"].includes(encoding!)) {
    return unimplemented(`grpc-encoding is ${quote(encoding!)}; this server knows identity, gzip and deflate`, {
      reason: "ENCODING_UNKNOWN",
    });
  }
  return undefined;
}

/** See `shortenedTimeout`. */
function shortenTimeout(headers: IncomingHttpHeaders): void {
  const timeout = headers[TIMEOUT];
  if (timeout !== undefined) headers[TIMEOUT] = shortenedTimeout(String(timeout));
}

/** Answers without a call: headers and trailers in one. */
function respond(stream: ServerHttp2Stream, error: RpcError): void {
  const { code, details, metadata } = toWireStatus(error);
  stream.respond(
    {
      ":status": 200,
      "content-type": "application/grpc+proto",
      "grpc-status": code,
      "grpc-message": encodeURI(details),
      ...metadata.toHttp2Headers(),
    },
    { endStream: true },
  );
}
