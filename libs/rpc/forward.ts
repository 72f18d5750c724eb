import type { DescMethod, DescService } from "@bufbuild/protobuf";
import { LONGEST_TIMER_MS } from "#libs/concurrency";
import type { RpcChannel } from "./client.ts";
import { notFound } from "./errors.ts";
import type { ServiceRegistration, WireHandler } from "./implement.ts";
import type { CallContext, CallOptions, Clients, ServiceClient } from "./types.ts";

/**
 * A service, or those of its methods that are named (as in TypeScript), that is served here and done elsewhere: every call is passed on to
 * `channel` as raw bytes, message by message, so that a slow side holds the other one. Deadline, cancellation, metadata and the errors with
 * all their details travel through. The trace goes on
 * through a span of this process, and `authorization` is that of the channel: who may call is decided here. Nothing is tried again here;
 * UNAVAILABLE reaches the caller, who knows whether its call may be.
 * @example
 * ```ts
 * import { SystemService } from "#proto/ratatouille/v1/system_pb.ts";
 * const system = implement(SystemService, { getSystem: async () => ({ version: "1.2.3" }) });
 * await using behind = await serve({ address: "127.0.0.1:0", services: [system] });
 * using towards = connect(behind.address);
 * await using gateway = await serve({ address: "127.0.0.1:0", services: [forward(SystemService, towards)] });
 * using channel = connect(gateway.address);
 * (await channel.client(SystemService).getSystem({})).version; // "1.2.3"
 * ```
 */
export function forward<S extends DescService>(
  service: S,
  channel: Pick<RpcChannel, "relay">,
  methods: readonly (string & keyof S["method"])[] = Object.keys(service.method),
): ServiceRegistration {
  const passed = service.methods.filter(({ localName }) => methods.includes(localName));
  return { service, methods: passed.map((method) => ({ method, handler: passOn(method, channel) })), open: false };
}

function passOn(method: DescMethod, channel: Pick<RpcChannel, "relay">): WireHandler {
  return async function* (requests, context) {
    const { signal, deadline } = context;
    // A unary call without a deadline gets the channel's, as everywhere; a stream may go on for ever.
    const timeoutMs = deadline === undefined && method.methodKind === "unary" ? undefined : remainingMs(deadline);
    yield* channel.relay(method, requests, { signal, timeoutMs, ...passedOn(context) });
  };
}

/** Written anew at every hop. */
const ofTheHop = /^(authorization|traceparent|tracestate|baggage|user-agent|content-type|te|grpc-.*|:.*)$/;

function passedOn({ metadata, binaryMetadata }: CallContext): Pick<CallOptions, "metadata" | "binaryMetadata"> {
  const goesOn = ([key]: readonly [string, unknown]) => !ofTheHop.test(key);
  return { metadata: Object.fromEntries([...metadata].filter(goesOn)), binaryMetadata: new Map([...binaryMetadata].filter(goesOn)) };
}

/** The time that is left for a call; 0 stands for no deadline, one that has passed has still a millisecond. */
function remainingMs(deadline: Date | undefined): number {
  return deadline === undefined ? 0 : Math.min(LONGEST_TIMER_MS, Math.max(1, deadline.getTime() - Date.now()));
}

/** Clients of services that are at several places: of each service those of its route, of all others those of `otherwise`. */
export function routeClients(routes: readonly (readonly [DescService, Clients])[], otherwise?: Clients): Clients {
  const places = new Map(routes.map(([service, clients]) => [service.typeName, clients]));
  return {
    client<S extends DescService>(service: S): ServiceClient<S> {
      const clients = places.get(service.typeName) ?? otherwise;
      if (clients === undefined) throw notFound(`nobody says where ${service.typeName} is`, { reason: "NO_ROUTE" });
      return clients.client(service);
    },
  };
}
