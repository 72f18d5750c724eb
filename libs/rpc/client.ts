import type { DescMethod, DescService } from "@bufbuild/protobuf";
import { Client, Metadata } from "@grpc/grpc-js";
import { context as tracing } from "@opentelemetry/api";
import { LONGEST_TIMER_MS } from "#libs/concurrency";
import { quote } from "#libs/text";
import { linkedController } from "./abort.ts";
import { encodeAll, methodName, runAttempt } from "./client-call.ts";
import { prepareClientSessions } from "./client-sessions.ts";
import { encode } from "./codec.ts";
import { type ConnectOptions, channelCredentials, channelOptions, waitForReady } from "./connection.ts";
import { cancelled, internal, invalidArgument, RpcError } from "./errors.ts";
import { checkAddress, isLoopback } from "./listener.ts";
import { quietGrpcLogging } from "./quiet.ts";
import { isRetryable, withRetries } from "./retry.ts";
import { leaveUntraced, startClientSpan } from "./tracing.ts";
import type { CallOptions, Clients, ServiceClient } from "./types.ts";

/** A connection to one server, made when first needed and again after it breaks. */
export type RpcChannel = Disposable &
  Clients & {
    readonly address: string;
    /** One call as bytes in and bytes out, for those who pass calls on. Never tried again: whoever made the call knows whether it may be. */
    relay(method: DescMethod, requests: AsyncIterable<Uint8Array>, options: CallOptions): AsyncIterable<Buffer>;
    /** Resolves when connected. UNAVAILABLE, naming the address and the last reason, when not connected in time. */
    ready(timeoutMs: number): Promise<void>;
    /** Cancels what runs and closes the connection. Later calls fail with CANCELLED. */
    close(): void;
  };

/**
 * Opens a channel; does not wait for the server. Throws INVALID_ARGUMENT for a wrong address or a token that would travel in the clear.
 * @example
 * ```ts
 * import { SystemService } from "#proto/ratatouille/v1/system_pb.ts";
 * await using server = await serve({ address: "127.0.0.1:0", services: [implement(SystemService, {})] });
 * using channel = connect(server.address, { timeoutMs: 5_000 });
 * const error = await channel.client(SystemService).getSystem({}).catch((thrown) => thrown);
 * isRpcError(error, Code.UNIMPLEMENTED); // true
 * ```
 */
export function connect(address: string, options: ConnectOptions = {}): RpcChannel {
  checkAddress(address);
  const { token, timeoutMs = 30_000 } = options;
  if (token !== undefined && options.tls === undefined && !isLoopback(address) && options.insecure !== true) {
    throw invalidArgument(`the token would travel to ${address} in the clear; use TLS (or insecure, if the network is trusted)`, {
      reason: "INSECURE_ADDRESS",
    });
  }
  quietGrpcLogging();
  prepareClientSessions();
  const client = new Client(address, channelCredentials(address, options.tls), channelOptions(address, options));
  const open = new AbortController();

  const invoke = (
    method: DescMethod,
    requests: () => AsyncIterable<Uint8Array>,
    call: CallOptions,
    receive?: (bytes: Uint8Array) => unknown,
  ): AsyncGenerator<unknown, void, undefined> => {
    const name = methodName(method);
    const limitMs = callTimeoutMs(method, call.timeoutMs, timeoutMs);
    const metadata = callMetadata(token, call);
    // Who called is known now; the stream may be read from anywhere.
    const parent = tracing.active();
    return (async function* () {
      using controller = linkedController(open.signal, call.signal);
      const { signal } = controller;
      const deadline = limitMs === 0 ? Number.POSITIVE_INFINITY : Date.now() + limitMs;
      const span = call.untraced ? leaveUntraced(metadata, parent) : startClientSpan(name, address, metadata, parent);
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
          receive,
        });
      let failure: RpcError | undefined = cancelled("the caller stopped reading");
      try {
        yield* receive === undefined && isRetryable(method) ? withRetries(attempt, { deadline, signal }) : attempt();
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
    relay: (method, requests, options) => invoke(method, () => requests, options, asBuffer) as AsyncIterable<Buffer>,
    ready: (limitMs) => waitForReady(client, address, limitMs, open.signal),
    close,
    [Symbol.dispose]: close,
  };
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

type Invoke = (
  method: DescMethod,
  requests: () => AsyncIterable<Uint8Array>,
  options: CallOptions,
) => AsyncGenerator<unknown, void, undefined>;

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
  if (!Number.isInteger(timeoutMs) || timeoutMs < least || timeoutMs > LONGEST_TIMER_MS) {
    throw invalidArgument(
      `timeoutMs of ${methodName(method)} is ${timeoutMs}; expected a whole number from ${least} to ${LONGEST_TIMER_MS}`,
    );
  }
  return timeoutMs;
}

function callMetadata(token: string | undefined, { metadata: texts = {}, binaryMetadata: binary = new Map() }: CallOptions): Metadata {
  const metadata = new Metadata();
  const entries = [
    ...Object.entries(texts),
    ...[...binary].flatMap(([key, values]) => values.map((value) => [key, asBuffer(value)] as const)),
  ];
  for (const [key, value] of entries) {
    try {
      metadata.add(key, value);
    } catch (error) {
      const rule = "keys are lower-case ASCII, values printable ASCII, or bytes where the key ends in -bin";
      throw invalidArgument(`metadata ${quote(key)} cannot be sent: ${rule}`, { cause: error });
    }
  }
  if (token !== undefined) metadata.set("authorization", `Bearer ${token}`);
  return metadata;
}
