import type { DescMethod, DescService } from "@bufbuild/protobuf";
import { decode, encode } from "./codec.ts";
import { internal, invalidArgument } from "./errors.ts";
import type { CallContext, Implementation } from "./types.ts";

/** A method as every method is on the wire: a stream of messages in, a stream of messages out, as bytes. */
export type WireHandler = (requests: AsyncIterable<Uint8Array>, context: CallContext) => AsyncIterable<Buffer>;

/** A service ready to be served, or a part of its methods. Made by `implement` and `forward`. */
export type ServiceRegistration = {
  readonly service: DescService;
  readonly methods: readonly { readonly method: DescMethod; readonly handler: WireHandler }[];
  /** Health: served without a token and without spans. */
  readonly open: boolean;
};

/** Binds an implementation to its service. A method that is left out answers UNIMPLEMENTED, unless it is served beside this by another one. */
export function implement<S extends DescService>(service: S, implementation: Partial<Implementation<S>>): ServiceRegistration {
  const functions = implementation as Readonly<Record<string, AnyHandler | undefined>>;
  const methods = service.methods.flatMap((method) => {
    const handler = functions[method.localName];
    return handler === undefined ? [] : [{ method, handler: wireHandler(method, handler.bind(implementation)) }];
  });
  return { service, methods, open: false };
}

// The one untyped seam: which of the four function types it is follows from `methodKind`, which only the descriptor knows.
// biome-ignore lint/suspicious/noExplicitAny: see above
type AnyHandler = (request: any, context: CallContext) => any;

function wireHandler(method: DescMethod, handler: AnyHandler): WireHandler {
  const path = `${method.parent.typeName}/${method.name}`;
  const request = async (requests: AsyncIterable<Uint8Array>) => decodeRequest(method, await only(requests, path));
  const reply = (message: unknown) => encodeReply(method, message);
  switch (method.methodKind) {
    case "unary":
      return async function* (requests, context) {
        yield reply(await handler(await request(requests), context));
      };
    case "server_streaming":
      return async function* (requests, context) {
        for await (const message of handler(await request(requests), context)) yield reply(message);
      };
    case "client_streaming":
      return async function* (requests, context) {
        yield reply(await handler(decodeAll(method, requests), context));
      };
    case "bidi_streaming":
      return async function* (requests, context) {
        for await (const message of handler(decodeAll(method, requests), context)) yield reply(message);
      };
  }
}

async function only(requests: AsyncIterable<Uint8Array>, path: string): Promise<Uint8Array> {
  let first: Uint8Array | undefined;
  for await (const message of requests) {
    if (first !== undefined) throw invalidArgument(`${path} takes one request, not several`);
    first = message;
  }
  if (first === undefined) throw invalidArgument(`${path} takes one request, and none came`);
  return first;
}

async function* decodeAll(method: DescMethod, requests: AsyncIterable<Uint8Array>): AsyncGenerator<unknown, void, undefined> {
  for await (const message of requests) yield decodeRequest(method, message);
}

function decodeRequest(method: DescMethod, bytes: Uint8Array): unknown {
  try {
    return decode(method.input, bytes);
  } catch (error) {
    throw invalidArgument(`the request is not a valid ${method.input.typeName}`, { reason: "MALFORMED_REQUEST", cause: error });
  }
}

function encodeReply(method: DescMethod, message: unknown): Buffer {
  if (message === undefined || message === null) throw internal(`${method.parent.typeName}/${method.name} gave no reply`);
  return encode(method.output, message as Record<string, unknown>);
}
