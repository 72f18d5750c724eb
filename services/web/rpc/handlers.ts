import type { DescMethod, DescService } from "@bufbuild/protobuf";
import { Code, ConnectError, createConnectRouter, type HandlerContext, type ServiceImpl } from "@connectrpc/connect";
import type { UniversalHandler } from "@connectrpc/connect/protocol";
import { compressionBrotli, compressionGzip } from "@connectrpc/connect-node";
import type { CallOptions, Clients, RpcLog } from "#libs/rpc";
import { callOptions } from "./call-options.ts";
import { callError } from "./errors.ts";

export type RpcOptions = {
  /** The services of the system. */
  readonly clients: Clients;
  /** Throws unless the call may be made. Asked before a request is read. */
  readonly admit: (header: Headers) => void;
  readonly log: RpcLog;
};

/**
 * What a request may take: a message of at most 4 MiB, whose bytes are a third longer in JSON. The message itself is measured when it goes
 * on to its service.
 */
export const READ_MAX_BYTES = 6 * 1024 * 1024;

/**
 * A handler for each method of the services, of Connect (JSON and protobuf) and gRPC-Web. A call becomes one of gRPC: its messages, deadline,
 * cancellation, metadata, and its error with all details. As the caller has no client of gRPC, what a service says may be tried again
 * (idempotent, and away for a moment) is tried again here.
 */
export function rpcHandlers(services: readonly DescService[], { clients, admit, log }: RpcOptions): readonly UniversalHandler[] {
  const router = createConnectRouter({
    // gRPC has its own address.
    grpc: false,
    acceptCompression: [compressionGzip, compressionBrotli],
    readMaxBytes: READ_MAX_BYTES,
    // A name that is written wrongly is a mistake of a person, who has to hear of it.
    jsonOptions: { ignoreUnknownFields: false },
    requestGate: ({ requestHeader, signal }) => {
      try {
        admit(requestHeader);
      } catch (error) {
        throw callError(error, signal) ?? error;
      }
    },
  });
  for (const service of services) router.service(service, passOn(service, clients, log));
  return router.handlers;
}

type AnyCall = (request: unknown, options: CallOptions) => unknown;

function passOn<S extends DescService>(service: S, clients: Clients, log: RpcLog): ServiceImpl<S> {
  // The one untyped seam: which of the four function types a method has follows from its kind, and both sides agree on them.
  const client = clients.client(service) as Readonly<Record<string, AnyCall>>;
  const methods = service.methods.map((method) => {
    const call = client[method.localName] as AnyCall;
    const streams = method.methodKind === "server_streaming" || method.methodKind === "bidi_streaming";
    return [method.localName, streams ? streamed(method, call, log) : single(method, call, log)];
  });
  return Object.fromEntries(methods) as ServiceImpl<S>;
}

function single(method: DescMethod, call: AnyCall, log: RpcLog) {
  return async (request: unknown, context: HandlerContext): Promise<unknown> => {
    try {
      return await call(request, callOptions(method, context));
    } catch (error) {
      throw told(error, method, context, log);
    }
  };
}

function streamed(method: DescMethod, call: AnyCall, log: RpcLog) {
  return async function* (request: unknown, context: HandlerContext): AsyncGenerator<unknown, void, undefined> {
    try {
      yield* call(request, callOptions(method, context)) as AsyncIterable<unknown>;
    } catch (error) {
      throw told(error, method, context, log);
    }
  };
}

function told(error: unknown, method: DescMethod, { signal }: HandlerContext, log: RpcLog): ConnectError {
  const expected = callError(error, signal);
  if (expected !== undefined) return expected;
  log.error({ err: error, method: `${method.parent.typeName}/${method.name}` }, "call failed unexpectedly");
  return new ConnectError("internal error", Code.Internal);
}
