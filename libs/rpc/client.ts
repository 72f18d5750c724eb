import { isIP } from "node:net";
import { checkServerIdentity, type PeerCertificate } from "node:tls";
import type { DescMethod, DescService } from "@bufbuild/protobuf";
import { type ChannelCredentials, Client, credentials, Metadata } from "@grpc/grpc-js";
import { context as tracing } from "@opentelemetry/api";
import { linkedController } from "./abort.ts";
import { encodeAll, methodName, runAttempt } from "./client-call.ts";
import { encode, identity, MAX_MESSAGE_BYTES } from "./codec.ts";
import { cancelled, internal, invalidArgument, RpcError, unavailable } from "./errors.ts";
import { KEEPALIVE_MS, WINDOW_BYTES } from "./flow-control.ts";
import { checkAddress, hostOf, isLoopback } from "./listener.ts";
import { quietGrpcLogging } from "./quiet.ts";
import { isRetryable, withRetries } from "./retry.ts";
import { startClientSpan } from "./tracing.ts";
import type { CallOptions, ServiceClient } from "./types.ts";

/** PEM texts of a client. */
export type ClientTls = {
  /** Authorities to trust; those of the system unless given. */
  ca?: string | Uint8Array | undefined;
  /** Certificate and key, where the server asks for them. */
  certificate?: string | Uint8Array | undefined;
  key?: string | Uint8Array | undefined;
  /** The name in the server's certificate, where it is not the host of the address. */
  serverName?: string | undefined;
};

/** Options of `connect`. */
export type ConnectOptions = {
  tls?: ClientTls | undefined;
  /** Bearer token sent with every call. */
  token?: string | undefined;
  /** Allows sending the token without TLS to an address other than loopback. */
  insecure?: boolean | undefined;
  /** Time for a unary call without one of its own, in milliseconds. 30 s by default. */
  timeoutMs?: number | undefined;
  /** Silence in milliseconds after which, during calls, the server is asked whether it lives; it has as long to answer. 30 s by default. */
  keepaliveMs?: number | undefined;
};

/** A connection to one server, made when first needed and again after it breaks. */
export type RpcChannel = Disposable & {
  readonly address: string;
  /** The methods of a service there. Cheap; any number of clients share the connection. */
  client<S extends DescService>(service: S): ServiceClient<S>;
  /** Resolves when connected. UNAVAILABLE, naming the address and the last reason, when not connected in time. */
  ready(timeoutMs: number): Promise<void>;
  /** Cancels what runs and closes the connection. Later calls fail with CANCELLED. */
  close(): void;
};

/** Opens a channel; does not wait for the server. Throws INVALID_ARGUMENT for a wrong address or a token that would travel in the clear. */
export function connect(address: string, options: ConnectOptions = {}): RpcChannel {
  checkAddress(address);
  const { token, timeoutMs = 30_000 } = options;
  if (token !== undefined && options.tls === undefined && !isLoopback(address) && options.insecure !== true) {
    throw invalidArgument(`the token would travel to ${address} in the clear; use TLS (or insecure, if the network is trusted)`, {
      reason: "INSECURE_ADDRESS",
    });
  }
  quietGrpcLogging();
  const client = new Client(address, channelCredentials(address, options.tls), channelOptions(address, options));
  const open = new AbortController();

  const invoke = (
    method: DescMethod,
    requests: () => AsyncIterable<Buffer>,
    call: CallOptions,
  ): AsyncGenerator<unknown, void, undefined> => {
    const name = methodName(method);
    const limitMs = callTimeoutMs(method, call.timeoutMs, timeoutMs);
    const metadata = callMetadata(token, call.metadata);
    // Who called is known now; the stream may be read from anywhere.
    const parent = tracing.active();
    return (async function* () {
      using controller = linkedController(open.signal, call.signal);
      const { signal } = controller;
      const deadline = limitMs === 0 ? Number.POSITIVE_INFINITY : Date.now() + limitMs;
      const span = startClientSpan(name, address, metadata, parent);
      const attempt = () =>
        runAttempt({
          client,
          address,
          method,
          requests: requests(),
          metadata,
          deadline,
          timeoutMs: limitMs,
          idleTimeoutMs: call.idleTimeoutMs,
          signal,
        });
      let failure: RpcError | undefined = cancelled("the caller stopped reading");
      try {
        yield* isRetryable(method) ? withRetries(attempt, { deadline, signal }) : attempt();
        failure = undefined;
      } catch (error) {
        failure = error instanceof RpcError ? error : cancelled("the request stream failed", { cause: error });
        throw error;
      } finally {
        span.end(failure);
      }
    })();
  };

  const close = () => {
    if (open.signal.aborted) return;
    open.abort(cancelled(`the channel to ${address} is closed`, { reason: "CHANNEL_CLOSED" }));
    client.close();
  };
  return {
    address,
    client: (service) => serviceClient(service, invoke),
    ready: (limitMs) => waitForReady(client, address, limitMs, open.signal),
    close,
    [Symbol.dispose]: close,
  };
}

type Invoke = (method: DescMethod, requests: () => AsyncIterable<Buffer>, options: CallOptions) => AsyncGenerator<unknown, void, undefined>;

function serviceClient<S extends DescService>(service: S, invoke: Invoke): ServiceClient<S> {
  const methods = service.methods.map((method) => {
    const streamsRequests = method.methodKind === "client_streaming" || method.methodKind === "bidi_streaming";
    const streamsReplies = method.methodKind === "server_streaming" || method.methodKind === "bidi_streaming";
    const requests = (request: never) => {
      if (streamsRequests) return () => encodeAll(method, request);
      const bytes = encode(method.input, request);
      return async function* () {
        yield bytes;
      };
    };
    const stream = (request: never, options: CallOptions = {}) => invoke(method, requests(request), options);
    // Async, so that a request that cannot be encoded is a rejection too.
    const single = async (request: never, options: CallOptions = {}) => only(method, invoke(method, requests(request), options));
    return [method.localName, streamsReplies ? stream : single];
  });
  return Object.fromEntries(methods) as ServiceClient<S>;
}

/**
 * The one reply of a unary call. It reads to the end of the stream: leaving after the first message would reset the stream,
 * and after about 1000 resets Node's HTTP/2 server closes the whole connection.
 */
async function only(method: DescMethod, replies: AsyncIterable<unknown>): Promise<unknown> {
  let reply: unknown;
  for await (const message of replies) {
    if (reply !== undefined) throw internal(`${methodName(method)} sent more than one reply`);
    reply = message;
  }
  if (reply === undefined) throw internal(`${methodName(method)} ended without a reply`);
  return reply;
}

function callTimeoutMs(method: DescMethod, given: number | undefined, unaryMs: number): number {
  if (given === undefined && method.methodKind !== "unary") {
    throw invalidArgument(`${methodName(method)} streams, so it needs timeoutMs (0: no deadline)`, { reason: "TIMEOUT_MISSING" });
  }
  const timeoutMs = given ?? unaryMs;
  const least = method.methodKind === "unary" ? 1 : 0;
  // Timers, and grpc-js with them, count milliseconds in 31 bits.
  if (!Number.isInteger(timeoutMs) || timeoutMs < least || timeoutMs > 2 ** 31 - 1) {
    throw invalidArgument(`timeoutMs of ${methodName(method)} is ${timeoutMs}; expected a whole number from ${least} to ${2 ** 31 - 1}`);
  }
  return timeoutMs;
}

function callMetadata(token: string | undefined, entries: Readonly<Record<string, string>> = {}): Metadata {
  const metadata = new Metadata();
  for (const [key, value] of Object.entries(entries)) metadata.set(key, value);
  if (token !== undefined) metadata.set("authorization", `Bearer ${token}`);
  return metadata;
}

function channelCredentials(address: string, tls: ClientTls | undefined): ChannelCredentials {
  if (tls === undefined) return credentials.createInsecure();
  const bytes = (pem: string | Uint8Array | undefined) => (pem === undefined ? null : Buffer.from(pem));
  const name = tls.serverName ?? hostOf(address);
  // grpc-js would ask TLS for the server by IP address, which Bun and Deno refuse (RFC 6066 allows names only). So it is given a
  // name that nobody has, see channelOptions, and the certificate is checked for the address here.
  const verify =
    isIP(name) === 0 ? {} : { checkServerIdentity: (_: string, certificate: PeerCertificate) => checkServerIdentity(name, certificate) };
  return credentials.createSsl(bytes(tls.ca), bytes(tls.key), bytes(tls.certificate), verify);
}

function channelOptions(address: string, { tls, keepaliveMs = KEEPALIVE_MS }: ConnectOptions): Record<string, string | number> {
  const serverName = tls?.serverName ?? (tls !== undefined && isIP(hostOf(address)) !== 0 ? "address.invalid" : undefined);
  return {
    "grpc-node.flow_control_window": WINDOW_BYTES,
    "grpc.max_receive_message_length": MAX_MESSAGE_BYTES,
    "grpc.max_send_message_length": MAX_MESSAGE_BYTES,
    // A connection of its own, which close() closes; the shared pool keeps connections for whoever comes next.
    "grpc.use_local_subchannel_pool": 1,
    // Retries are ours, by the method's idempotency level; a resolver must not bring its own.
    "grpc.service_config_disable_resolution": 1,
    "grpc.keepalive_time_ms": keepaliveMs,
    "grpc.keepalive_timeout_ms": keepaliveMs,
    "grpc.initial_reconnect_backoff_ms": 100,
    "grpc.max_reconnect_backoff_ms": 2000,
    ...(isLoopback(address) ? { "grpc.enable_http_proxy": 0 } : {}),
    ...(serverName === undefined ? {} : { "grpc.ssl_target_name_override": serverName }),
  };
}

async function waitForReady(client: Client, address: string, timeoutMs: number, closed: AbortSignal): Promise<void> {
  if (closed.aborted) throw closed.reason;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const onClose = () => reject(closed.reason);
  closed.addEventListener("abort", onClose);
  client.waitForReady(Date.now() + timeoutMs, (error) => (error ? reject(error) : resolve()));
  try {
    await promise;
  } catch (error) {
    if (error instanceof RpcError) throw error;
    const message = `no connection to ${address} within ${timeoutMs} ms: ${await lastReason(client)}`;
    throw unavailable(message, { reason: "NOT_CONNECTED", metadata: { address }, cause: error });
  } finally {
    closed.removeEventListener("abort", onClose);
  }
}

/** Why the last attempt to connect failed. grpc-js tells only those who call. */
function lastReason(client: Client): Promise<string> {
  return new Promise((resolve) => {
    const options = { deadline: Date.now() + 50 };
    client.makeUnaryRequest("/grpc.health.v1.Health/Check", identity, identity, Buffer.alloc(0), options, (error) => {
      const reason = /Last error: (?:Error: )?(.*?)(?: \(\d{4}-[^)]*\))?\.?$/.exec(error?.details ?? "")?.[1];
      resolve(reason ?? "it does not answer");
    });
  });
}
