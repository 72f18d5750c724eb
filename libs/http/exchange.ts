import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { SpanStatusCode } from "@opentelemetry/api";
import { after } from "#libs/concurrency";
import { Code, cancelled, codeName } from "#libs/rpc";
import { contextFromHeaders, histogram, inSpan } from "#libs/telemetry";
import { HttpError, toHttpError } from "./errors.ts";

/** What a handler knows beside request and answer. */
export type HttpContext = {
  /** Aborts when the answer cannot be given any more: the caller left, or the server shuts down. The reason is an RpcError. */
  readonly signal: AbortSignal;
};

/**
 * Answers a request. Expected errors are thrown as RpcError or HttpError; where the answer has begun, the connection is cut. One that gives
 * no promise (such as connect-es's `connectNodeAdapter`) is done when its answer is.
 */
export type HttpHandler = (request: IncomingMessage, response: ServerResponse, context: HttpContext) => unknown;

/** How an error is told. */
export type HttpErrorBody = (error: HttpError) => { readonly type: string; readonly text: string };

/** Where requests, and errors that nobody expected, are written down. A pino logger fits. */
export type HttpLog = {
  info(fields: Record<string, unknown>, message: string): void;
  error(fields: Record<string, unknown>, message: string): void;
};

/** An answer that is being made. */
export type Exchange = {
  /** Ends it now: its signal aborts with this reason. */
  abort(reason: Error): void;
  /** Resolves when the answer is out, or cut off, and the handler has ended; never rejects. */
  readonly ended: Promise<void>;
};

export type ExchangeOptions = {
  readonly handler: HttpHandler;
  /** Throws if the request may not be made. */
  readonly admit: (request: IncomingMessage) => void;
  /** The caller waits for a word before it sends the body. */
  readonly awaitsContinue: boolean;
  readonly routeOf: ((request: IncomingMessage) => string | undefined) | undefined;
  readonly errorBody: HttpErrorBody;
  readonly log: HttpLog;
};

/** A caller may go on sending for so long after it was told that nobody wants it. */
const LINGER_MS = 1000;

const durations = histogram("http.server.request.duration", {
  unit: "s",
  description: "How long requests take.",
  boundaries: [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10],
});

/** Runs one request on its handler, in a span under the caller's, and writes it down. */
export function runExchange(request: IncomingMessage, response: ServerResponse, options: ExchangeOptions): Exchange {
  const { handler, admit, awaitsContinue, routeOf, errorBody, log } = options;
  const controller = new AbortController();
  const began = performance.now();
  const method = request.method ?? "";
  const path = pathOf(request);
  const route = routeOf?.(request);
  const { socket } = request;
  const { remoteAddress: client } = socket;
  const closed = new Promise<void>((resolve) => response.once("close", resolve));
  // On Deno an answer to a caller that has left counts as finished.
  const isCut = () => !response.writableFinished || request.errored !== null;
  void closed.then(() => isCut() && controller.abort(cancelled("the caller left")));
  // A caller that leaves is heard of by "close".
  request.on("error", () => undefined);
  response.on("error", () => undefined);

  const run = async () => {
    try {
      admit(request);
      if (awaitsContinue) response.writeContinue();
      await handler(request, response, { signal: controller.signal });
    } catch (thrown) {
      const error = toHttpError(thrown);
      if (error === undefined && !controller.signal.aborted) log.error({ err: thrown, method, path }, "request failed unexpectedly");
      refuse(
        request,
        response,
        socket,
        error ?? new HttpError(500, "internal error", { code: Code.INTERNAL, reason: "INTERNAL" }),
        errorBody,
      );
    }
    await closed;
  };
  const attributes = {
    "http.request.method": method,
    "url.path": path,
    "url.scheme": "encrypted" in socket ? "https" : "http",
    ...(route === undefined ? {} : { "http.route": route }),
    ...(client === undefined ? {} : { "client.address": client }),
  };
  const parent = contextFromHeaders(traceOf(request));
  const ended = inSpan(
    route === undefined ? method : `${method} ${route}`,
    attributes,
    async (span) => {
      await run();
      const { statusCode: status } = response;
      const seconds = (performance.now() - began) / 1000;
      const cut = isCut();
      span.setAttribute("http.response.status_code", status);
      if (status >= 500) {
        span.setAttribute("error.type", `${status}`);
        span.setStatus({ code: SpanStatusCode.ERROR });
      }
      durations.record(seconds, {
        "http.request.method": method,
        "http.response.status_code": status,
        ...(route === undefined ? {} : { "http.route": route }),
      });
      const agent = request.headers["user-agent"];
      log.info({ method, path, status, ms: Math.round(seconds * 1e6) / 1e3, client, agent, ...(cut ? { cut } : {}) }, "request");
    },
    { kind: "server", parent },
  );
  return {
    ended,
    abort(reason) {
      controller.abort(reason);
      socket.destroy();
    },
  };
}

/** The path of a request, without what follows a question mark. */
export function pathOf({ url = "" }: IncomingMessage): string {
  return url.split("?", 1)[0] ?? "";
}

/**
 * An error as clients of Connect read it: `{"code": "not_found", "message": "…"}`.
 * @example
 * ```ts
 * import { HttpError } from "#libs/http";
 * const error = new HttpError(404, "there is no such thing", { code: 5, reason: "NOTHING" });
 * connectErrorBody(error).text; // '{"code":"not_found","message":"there is no such thing"}'
 * ```
 */
export const connectErrorBody: HttpErrorBody = ({ code, message }) => ({
  type: "application/json",
  text: JSON.stringify({ code: code === Code.CANCELLED ? "canceled" : codeName(code).toLowerCase(), message }),
});

/** Answers with an error; where an answer has begun, cuts it off, so that nobody takes it for whole. */
function refuse(request: IncomingMessage, response: ServerResponse, socket: Socket, error: HttpError, errorBody: HttpErrorBody): void {
  if (response.headersSent || response.destroyed || request.errored !== null) return void response.destroy();
  const { type, text } = errorBody(error);
  for (const name of response.getHeaderNames()) response.removeHeader(name);
  response.writeHead(error.status, { ...error.headers, "content-type": type, "content-length": Buffer.byteLength(text) });
  response.end(request.method === "HEAD" ? undefined : text);
  // What still comes is read and thrown away: a connection with unread bytes is reset, and the answer is lost with it.
  if (request.complete) return;
  const timer = after(LINGER_MS, () => socket.destroy());
  const stop = () => {
    timer[Symbol.dispose]();
    socket.off("close", stop);
  };
  request.once("end", stop).resume();
  socket.once("close", stop);
}

function traceOf({ headers }: IncomingMessage): Record<string, string> {
  const { traceparent, tracestate } = headers;
  if (typeof traceparent !== "string") return {};
  return typeof tracestate === "string" ? { traceparent, tracestate } : { traceparent };
}
