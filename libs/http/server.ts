import { createServer, type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { Duplex } from "node:stream";
import { within } from "#libs/concurrency";
import { Code, checkListener, hostOf, listenFailure, type ServerTls, unavailable } from "#libs/rpc";
import { type HttpChallenge, hostCheck, requestCheck } from "./authorize.ts";
import { bodyTooLarge } from "./bodies.ts";
import { HttpError } from "./errors.ts";
import { connectErrorBody, type Exchange, type HttpErrorBody, type HttpHandler, type HttpLog, pathOf, runExchange } from "./exchange.ts";
import { type HttpLimits, httpLimits } from "./limits.ts";
import { watchStalls } from "./stalls.ts";

export type ServeHttpOptions = {
  /** `host:port`; port 0 takes a free one. */
  readonly address: string;
  readonly handler: HttpHandler;
  readonly tls?: ServerTls | undefined;
  /** Token that every request has to carry, as bearer or as password, health excepted. */
  readonly token?: string | undefined;
  /** Allows an address other than loopback without TLS and token. */
  readonly insecure?: boolean | undefined;
  /** Requests that need no token, such as a browser's question what it may send. */
  readonly isOpen?: ((request: IncomingMessage) => boolean) | undefined;
  /** How the token is asked for; "Bearer" by default. */
  readonly challenge?: HttpChallenge | undefined;
  /** What a span and a metric call a request, such as "/v2/{name}/tags/list": few names for many paths. */
  readonly routeOf?: ((request: IncomingMessage) => string | undefined) | undefined;
  /** How errors are told; by default as Connect does. */
  readonly errorBody?: HttpErrorBody | undefined;
  /** Whether what is behind the handler is there: what `GET /healthz` says. */
  readonly isReady?: (() => boolean) | undefined;
  readonly limits?: Partial<HttpLimits> | undefined;
  readonly log: HttpLog;
  /** Grace period of a drain without one of its own. 10 s by default. */
  readonly drainMs?: number | undefined;
};

/** A running server. Disposing of it drains it. */
export type HttpServer = AsyncDisposable & {
  /** `host:port` as bound. */
  readonly address: string;
  readonly port: number;
  /** `http://host:port`, or https. */
  readonly url: string;
  /**
   * Stops: connections that wait for a request are closed, requests that still come are refused with 503, and those that are being answered
   * may finish; after the grace period they are cut off, and their signals abort. Resolves when every handler has ended and the port is free.
   */
  drain(graceMs?: number): Promise<void>;
};

/** Says whether the server takes requests: 200, or 503. Needs no token. */
const HEALTH_PATH = "/healthz";

/** After the answers were cut off, their handlers get so long to end. */
const CLOSE_MS = 1000;

/**
 * Serves HTTP/1.1, or HTTPS, on one port: limits, token, traces, access log, errors and drain are those of every program; the handler does
 * the rest.
 * Throws RpcError INVALID_ARGUMENT (BAD_ADDRESS, INSECURE_ADDRESS, EMPTY_TOKEN), FAILED_PRECONDITION (ADDRESS_IN_USE, LISTEN_FAILED).
 * @example
 * ```ts
 * const log = { info() {}, error() {} };
 * await using server = await serveHttp({ address: "127.0.0.1:0", handler: (_, response) => response.end("hello"), log });
 * await (await fetch(server.url)).text(); // "hello"
 * ```
 */
export async function serveHttp(options: ServeHttpOptions): Promise<HttpServer> {
  checkListener(options);
  const { handler, tls, log, routeOf, isOpen = () => false, isReady = () => true, errorBody = connectErrorBody } = options;
  const limits = { ...httpLimits, ...options.limits };
  const checkToken = requestCheck(options.token, options.challenge ?? "Bearer");
  const checkHost = hostCheck(options.address, options.token);
  const stalls = watchStalls(limits.stallMs);
  const exchanges = new Set<Exchange>();
  let draining = false;

  const admit = (request: IncomingMessage) => {
    if (draining) throw shuttingDown();
    checkHost(request);
    if (!isOpen(request)) checkToken(request);
    if (Number(request.headers["content-length"] ?? 0) > limits.bodyBytes) throw bodyTooLarge(limits.bodyBytes);
  };
  const accept = (awaitsContinue: boolean) => (request: IncomingMessage, response: ServerResponse) => {
    if (pathOf(request) === HEALTH_PATH) return answerHealth(response, !draining && isReady());
    const watched = stalls.add(request, response);
    const exchange = runExchange(request, response, { handler, admit, awaitsContinue, routeOf, errorBody, log });
    exchanges.add(exchange);
    void exchange.ended.finally(() => {
      exchanges.delete(exchange);
      watched[Symbol.dispose]();
      if (draining) setImmediate(() => server.closeIdleConnections());
    });
  };
  const server = openServer(tls, limits);
  server.on("request", accept(false));
  server.on("checkContinue", accept(true));
  server.on("clientError", (error: NodeJS.ErrnoException, socket: Duplex) => answerBroken(error, socket, errorBody));
  const port = await listen(server, options.address);

  const drain = async (graceMs: number) => {
    draining = true;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeIdleConnections();
    const ended = () => Promise.all([...exchanges].map((exchange) => exchange.ended));
    await within(graceMs, ended());
    for (const exchange of exchanges) exchange.abort(unavailable("the server is shutting down", { reason: "SHUTTING_DOWN" }));
    await within(CLOSE_MS, ended());
    server.closeAllConnections();
    stalls.stop();
    await closed;
  };
  let drained: Promise<void> | undefined;
  const drainOnce = (graceMs = options.drainMs ?? 10_000) => (drained ??= drain(graceMs));
  const address = options.address.replace(/:0$/, `:${port}`);
  return {
    address,
    port,
    url: `${tls === undefined ? "http" : "https"}://${address}`,
    drain: drainOnce,
    [Symbol.asyncDispose]: () => drainOnce(),
  };
}

function openServer(tls: ServerTls | undefined, { headerBytes, headersMs, idleMs }: HttpLimits): Server {
  const common = {
    maxHeaderSize: headerBytes,
    headersTimeout: headersMs,
    keepAliveTimeout: idleMs,
    // A body may take as long as it moves: see stalls.ts.
    requestTimeout: 0,
    connectionsCheckingInterval: Math.min(1000, headersMs / 4),
  };
  if (tls === undefined) return createServer(common);
  const { certificate, key, clientCa } = tls;
  const asked = clientCa === undefined ? {} : { ca: [Buffer.from(clientCa)], requestCert: true, rejectUnauthorized: true };
  const pair = { cert: Buffer.from(certificate), key: Buffer.from(key) };
  return createSecureServer({ ...common, ...pair, ...asked, handshakeTimeout: headersMs, ALPNProtocols: ["http/1.1"] });
}

function listen(server: Server, address: string): Promise<number> {
  const place = address.startsWith("unix:")
    ? { path: address.slice("unix:".length) }
    : { host: hostOf(address), port: Number(/\d+$/.exec(address)?.[0]) };
  return new Promise((resolve, reject) => {
    server.once("error", (error) => reject(listenFailure(address, error)));
    server.listen(place, () => {
      // What goes wrong with a listener later is the end of a connection, and of no process.
      server.on("error", () => undefined);
      const bound = server.address();
      resolve(typeof bound === "object" && bound !== null ? bound.port : 0);
    });
  });
}

function answerHealth(response: ServerResponse, ready: boolean): void {
  const text = ready ? "ok\n" : "not ready\n";
  response.writeHead(ready ? 200 : 503, { "content-type": "text/plain; charset=utf-8", "cache-control": "no-store" });
  response.end(text);
}

function shuttingDown(): HttpError {
  const headers = { connection: "close", "retry-after": "1" };
  return new HttpError(503, "the server is shutting down", { code: Code.UNAVAILABLE, reason: "SHUTTING_DOWN", headers });
}

/** What is no request is answered all the same, where there is somebody to read it, and the connection ends. */
function answerBroken({ code }: NodeJS.ErrnoException, socket: Duplex, errorBody: HttpErrorBody): void {
  // A client that left, or has not got through TLS, is told nothing.
  const isHttp = /^(HPE|ERR_HTTP)_/.test(code ?? "") && code !== "HPE_INVALID_EOF_STATE";
  if (!isHttp || !socket.writable) return void socket.destroy();
  const { status, message } = broken(code);
  const { type, text } = errorBody(new HttpError(status, message, { code: Code.INVALID_ARGUMENT, reason: "MALFORMED_REQUEST" }));
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    `content-type: ${type}`,
    `content-length: ${Buffer.byteLength(text)}`,
    "connection: close",
  ];
  socket.end(`${head.join("\r\n")}\r\n\r\n${text}`);
}

function broken(code: string | undefined): { readonly status: number; readonly message: string } {
  if (code === "HPE_HEADER_OVERFLOW") return { status: 431, message: "the headers are too large" };
  if (code === "ERR_HTTP_REQUEST_TIMEOUT") return { status: 408, message: "the headers did not arrive in time" };
  return { status: 400, message: "this is no request of HTTP/1.1" };
}
