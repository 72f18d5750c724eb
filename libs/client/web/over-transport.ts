import { anyPack } from "@bufbuild/protobuf/wkt";
import { type CallOptions, ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { type Clients, errorOfDetails, type ServiceClient } from "#libs/rpc/portable";
import { BadRequestSchema, ErrorInfoSchema } from "#proto/google/rpc/error_details_pb.ts";

type Method = (request: never, options?: CallOptions) => Promise<unknown> | AsyncIterable<unknown>;
type Given = { readonly signal?: AbortSignal; readonly timeoutMs?: number; readonly metadata?: Readonly<Record<string, string>> };

/** Clients over a transport of connect-es. Their calls fail with RpcError, as over gRPC; their methods that stream requests are the transport's matter. */
export function overTransport(transport: Transport): Clients {
  return {
    client(service) {
      const connected = createClient(service, transport) as unknown as { readonly [name: string]: Method };
      const methods = service.methods.map(({ localName, methodKind }) => {
        const call = connected[localName]!;
        const streams = methodKind === "server_streaming" || methodKind === "bidi_streaming";
        const one = (request: never, options?: Given) => (call(request, optionsOf(options)) as Promise<unknown>).catch(refuse);
        const many = (request: never, options?: Given) => refused(call(request, optionsOf(options)) as AsyncIterable<unknown>);
        return [localName, streams ? many : one];
      });
      return Object.fromEntries(methods) as ServiceClient<typeof service>;
    },
  };
}

function optionsOf({ signal, timeoutMs, metadata }: Given = {}): CallOptions {
  return { ...(signal ? { signal } : {}), ...(timeoutMs === undefined ? {} : { timeoutMs }), ...(metadata ? { headers: metadata } : {}) };
}

async function* refused(replies: AsyncIterable<unknown>): AsyncGenerator<unknown, void, undefined> {
  try {
    yield* replies;
  } catch (error) {
    refuse(error);
  }
}

function refuse(error: unknown): never {
  throw error instanceof ConnectError ? rpcErrorOf(error) : error;
}

/** The error as libs/rpc has it, with reason and violations. */
export function rpcErrorOf(error: ConnectError) {
  const infos = error.findDetails(ErrorInfoSchema).map((detail) => anyPack(ErrorInfoSchema, detail));
  const violations = error.findDetails(BadRequestSchema).map((detail) => anyPack(BadRequestSchema, detail));
  return errorOfDetails(error.code, error.rawMessage, [...infos, ...violations]);
}
