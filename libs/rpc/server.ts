import type { DescService } from "@bufbuild/protobuf";
import { Server, type ServerDuplexStream } from "@grpc/grpc-js";
import { within } from "#libs/concurrency";
import { methodName } from "./client-call.ts";
import { identity, MAX_MESSAGE_BYTES } from "./codec.ts";
import { type RpcError, unavailable } from "./errors.ts";
import { saysGoodbye, trackConnections } from "./farewell.ts";
import { KEEPALIVE_MS, widenServerWindows } from "./flow-control.ts";
import { guardStreams } from "./guard.ts";
import { handleCall, type OpenCall } from "./handle-call.ts";
import { createHealth } from "./health.ts";
import type { ServiceRegistration } from "./implement.ts";
import { joinRegistrations } from "./join.ts";
import { checkListener, listenFailure, type ServerTls, serverCredentials, tokenCheck } from "./listener.ts";
import { quietGrpcLogging } from "./quiet.ts";
import { createReflection } from "./reflection.ts";
import type { RpcLog } from "./types.ts";

export type ServeOptions = {
  /** `host:port`; port 0 takes a free one. */
  address: string;
  /** Several may bring some methods each of one service. */
  services: readonly ServiceRegistration[];
  tls?: ServerTls | undefined;
  /** Bearer token that every call has to carry, health excepted. */
  token?: string | undefined;
  /** What health says at first of everything but `live`; true by default. */
  ready?: boolean | undefined;
  /** Allows an address other than loopback without TLS and token. */
  insecure?: boolean | undefined;
  /** Where unexpected errors of handlers go. Without it they become process warnings. */
  log?: RpcLog | undefined;
  /** Grace period of a drain without one of its own. 10 s by default. */
  drainMs?: number | undefined;
  /** Silence in milliseconds after which a client is asked whether it lives; it has as long to answer. 30 s by default. */
  keepaliveMs?: number | undefined;
};

/** A running server. Disposing of it drains it. */
export type RpcServer = AsyncDisposable & {
  /** `host:port` as bound. */
  readonly address: string;
  readonly port: number;
  /** What health says of a service, or of anything else that has a name; "" is the whole server. */
  setHealth(service: string, serving: boolean): void;
  /**
   * Stops: health says NOT_SERVING, new calls are refused, open ones may finish; after the grace period they end with
   * UNAVAILABLE (SHUTTING_DOWN) and their handlers' signals abort. Resolves when every handler has ended and the port is free.
   */
  drain(graceMs?: number): Promise<void>;
};

/**
 * Calls that one connection may have open at a time; more wait at the client. So many because a gateway passes the calls of all its clients
 * on through one connection to each service: a thousand trainers and as many who watch do not wait for each other.
 */
const MAX_STREAMS = 10_000;

/** After the calls have ended, connections get so long to close by themselves. */
const CLOSE_MS = 1000;

/**
 * Serves services on one port, with health (Check, Watch) and reflection (v1, v1alpha).
 * Throws INVALID_ARGUMENT (INSECURE_ADDRESS) for an address other than loopback without TLS and token,
 * FAILED_PRECONDITION (ADDRESS_IN_USE, LISTEN_FAILED) if it cannot listen.
 * @example
 * ```ts
 * import { SystemService } from "#proto/ratatouille/v1/system_pb.ts";
 * const system = implement(SystemService, { getSystem: async () => ({ version: "1.2.3" }) });
 * await using server = await serve({ address: "127.0.0.1:0", services: [system] });
 * using channel = connect(server.address);
 * (await channel.client(SystemService).getSystem({})).version; // "1.2.3"
 * ```
 */
export async function serve(options: ServeOptions): Promise<RpcServer> {
  checkListener(options);
  quietGrpcLogging();
  const log = options.log ?? {
    error: ({ err, method }, message) => process.emitWarning(err instanceof Error ? err : `${method}: ${message}`),
  };
  const services = joinRegistrations(options.services);
  const checkToken = tokenCheck(options.token);
  const health = createHealth(
    services.map(({ service }) => service.typeName),
    { serving: options.ready, isKnown: (metadata) => passes(() => checkToken(metadata)) },
  );
  const described: DescService[] = [...services, health.registration].map(({ service }) => service);
  const registrations = [...services, health.registration, ...createReflection(described)];

  const server = new Server({
    "grpc.max_receive_message_length": MAX_MESSAGE_BYTES,
    "grpc.max_send_message_length": MAX_MESSAGE_BYTES,
    "grpc.keepalive_time_ms": options.keepaliveMs ?? KEEPALIVE_MS,
    "grpc.keepalive_timeout_ms": options.keepaliveMs ?? KEEPALIVE_MS,
    // Two servers on one port are a mistake here, not load balancing.
    "grpc.so_reuseport": 0,
    "grpc.max_concurrent_streams": MAX_STREAMS,
    // Its bookkeeping of every stream is nobody's, and its handlers are others.
    "grpc.enable_channelz": 0,
  });
  widenServerWindows(server);
  const connections = trackConnections(server);
  const streams = guardStreams(
    server,
    new Set(registrations.flatMap(({ methods }) => methods.map(({ method }) => `/${methodName(method)}`))),
  );
  const calls = new Map<OpenCall, { infrastructure: boolean }>();
  let draining = false;

  const register = (
    { method: { name, methodKind }, handler }: ServiceRegistration["methods"][number],
    registration: ServiceRegistration,
  ) => {
    const method = `${registration.service.typeName}/${name}`;
    const streamed = methodKind === "client_streaming" || methodKind === "bidi_streaming";
    const infrastructure = !services.includes(registration);
    const admit = (metadata: ReadonlyMap<string, string>) => {
      if (!registration.open) checkToken(metadata);
      if (draining && !infrastructure) throw shuttingDown();
    };
    const accept = (stream: ServerDuplexStream<Buffer, Buffer>) => {
      const call = handleCall(stream, { method, handler, traced: !infrastructure, streamed, admit, log });
      calls.set(call, { infrastructure });
      void call.ended.finally(() => calls.delete(call));
    };
    if (!server.register(`/${method}`, accept, identity, identity, "bidi")) {
      throw new TypeError(`${method} is registered twice`);
    }
  };
  for (const registration of registrations) {
    for (const method of registration.methods) register(method, registration);
  }

  const port = await bind(server, options);
  const drain = async (graceMs: number) => {
    draining = true;
    health.stopServing();
    const shutdown = saysGoodbye ? new Promise<void>((resolve) => server.tryShutdown(() => resolve())) : undefined;
    const closed = () => shutdown ?? streams.closed();
    const open = (infrastructure: boolean) => [...calls].filter(([, call]) => call.infrastructure === infrastructure).map(([call]) => call);
    const work = open(false);
    // One turn of the loop, so that those who watch health hear NOT_SERVING before their stream ends.
    await new Promise((resolve) => setImmediate(resolve));
    await within(graceMs, Promise.all(work.map(({ ended }) => ended)));
    for (const call of [...open(false), ...open(true)]) call.abort(shuttingDown());
    await within(
      CLOSE_MS,
      Promise.all([...calls.keys()].map(({ ended }) => ended)).then(() => closed()),
    );
    if (!saysGoodbye) connections.cut();
    server.forceShutdown();
  };
  let drained: Promise<void> | undefined;
  const drainOnce = (graceMs = options.drainMs ?? 10_000) => (drained ??= drain(graceMs));
  return {
    address: options.address.replace(/:0$/, `:${port}`),
    port,
    setHealth: (service, serving) => health.set(service, serving && !draining),
    drain: drainOnce,
    [Symbol.asyncDispose]: () => drainOnce(),
  };
}

function passes(check: () => void): boolean {
  try {
    check();
    return true;
  } catch {
    return false;
  }
}

function shuttingDown(): RpcError {
  return unavailable("the server is shutting down", { reason: "SHUTTING_DOWN" });
}

function bind(server: Server, options: ServeOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(options.address, serverCredentials(options.tls), (error, port) => {
      if (error === null) return resolve(port);
      server.forceShutdown();
      reject(listenFailure(options.address, error));
    });
  });
}
