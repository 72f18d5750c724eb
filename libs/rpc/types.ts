import type {
  DescMessage,
  DescMethodBiDiStreaming,
  DescMethodClientStreaming,
  DescMethodServerStreaming,
  DescMethodUnary,
  DescService,
  MessageInitShape,
  MessageShape,
} from "@bufbuild/protobuf";

/** What a handler knows about its call. */
export type CallContext = {
  /**
   * Aborted when the call ends before the handler does: the caller cancelled (CANCELLED), the deadline passed
   * (DEADLINE_EXCEEDED), or the server shuts down (UNAVAILABLE). The reason is that RpcError.
   */
  readonly signal: AbortSignal;
  /** Metadata of the caller, keys in lower case. */
  readonly metadata: ReadonlyMap<string, string>;
  /** Its binary entries, whose keys end in `-bin`. */
  readonly binaryMetadata: ReadonlyMap<string, readonly Uint8Array[]>;
  readonly deadline: Date | undefined;
  /** For example "ratatouille.v1.CatalogService/GetArtifact". */
  readonly method: string;
  /** Address of the caller. */
  readonly peer: string;
};

export type CallOptions = {
  signal?: AbortSignal | undefined;
  /** Time for the whole call, retries included, in milliseconds. Unary: the channel's (30 s) unless given. */
  timeoutMs?: number | undefined;
  /** Text metadata to send. */
  metadata?: Readonly<Record<string, string>> | undefined;
  /** Binary metadata to send; keys end in `-bin`. */
  binaryMetadata?: ReadonlyMap<string, readonly Uint8Array[]> | undefined;
  /** DEADLINE_EXCEEDED (IDLE_TIMEOUT) when for so long no message went either way while the caller waited. */
  idleTimeoutMs?: number | undefined;
  /** Begins no trace and belongs to none: for what is said again and again, and tells nothing of anybody's work. */
  untraced?: boolean | undefined;
};

/** Options of a streaming call. `timeoutMs: 0` is a stream without a deadline; it has to be said. */
export type StreamOptions = CallOptions & { timeoutMs: number };

type UnaryHandler<I extends DescMessage, O extends DescMessage> = (
  request: MessageShape<I>,
  context: CallContext,
) => MessageInitShape<O> | Promise<MessageInitShape<O>>;
type ServerStreamHandler<I extends DescMessage, O extends DescMessage> = (
  request: MessageShape<I>,
  context: CallContext,
) => AsyncIterable<MessageInitShape<O>>;
type ClientStreamHandler<I extends DescMessage, O extends DescMessage> = (
  requests: AsyncIterable<MessageShape<I>>,
  context: CallContext,
) => MessageInitShape<O> | Promise<MessageInitShape<O>>;
type BidiHandler<I extends DescMessage, O extends DescMessage> = (
  requests: AsyncIterable<MessageShape<I>>,
  context: CallContext,
) => AsyncIterable<MessageInitShape<O>>;

type Handler<M> =
  M extends DescMethodUnary<infer I, infer O>
    ? UnaryHandler<I, O>
    : M extends DescMethodServerStreaming<infer I, infer O>
      ? ServerStreamHandler<I, O>
      : M extends DescMethodClientStreaming<infer I, infer O>
        ? ClientStreamHandler<I, O>
        : M extends DescMethodBiDiStreaming<infer I, infer O>
          ? BidiHandler<I, O>
          : never;

/**
 * What a service has to provide, by method: a function from request to reply, or an async generator of replies.
 * Replies are message initialisers; requests are whole messages. Expected errors are thrown as RpcError.
 */
export type Implementation<S extends DescService> = { [M in keyof S["method"]]: Handler<S["method"][M]> };

type Caller<M> =
  M extends DescMethodUnary<infer I, infer O>
    ? (request: MessageInitShape<I>, options?: CallOptions) => Promise<MessageShape<O>>
    : M extends DescMethodServerStreaming<infer I, infer O>
      ? (request: MessageInitShape<I>, options: StreamOptions) => AsyncIterable<MessageShape<O>>
      : M extends DescMethodClientStreaming<infer I, infer O>
        ? (requests: AsyncIterable<MessageInitShape<I>>, options: StreamOptions) => Promise<MessageShape<O>>
        : M extends DescMethodBiDiStreaming<infer I, infer O>
          ? (requests: AsyncIterable<MessageInitShape<I>>, options: StreamOptions) => AsyncIterable<MessageShape<O>>
          : never;

/**
 * The methods of a remote service as functions. They fail with RpcError only (and with what the caller's own request
 * stream throws). A call with streamed replies starts when it is first read; leaving the loop cancels it.
 */
export type ServiceClient<S extends DescService> = { readonly [M in keyof S["method"]]: Caller<S["method"][M]> };

/** Whatever gives clients: a channel to one server, or several that divide the services among them. */
export type Clients = {
  /** The methods of a service. Cheap; any number of clients share the connection. */
  client<S extends DescService>(service: S): ServiceClient<S>;
};

/** Where unexpected errors go. A pino logger fits. */
export type RpcLog = { error(fields: Record<string, unknown>, message: string): void };
