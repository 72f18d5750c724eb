import { MethodOptions_IdempotencyLevel as Idempotency } from "@bufbuild/protobuf/wkt";
import {
  createAsyncIterable,
  encodeEnvelope,
  pipe,
  readAllBytes,
  transformSplitEnvelope,
  type UniversalHandler,
  type UniversalHandlerFn,
  type UniversalServerRequest,
  type UniversalServerResponse,
} from "@connectrpc/connect/protocol";
import { codeFromString, codeToHttpStatus, endStreamFlag } from "@connectrpc/connect/protocol-connect";
import { READ_MAX_BYTES } from "./handlers.ts";

/** Replies of a stream come one by one and are never longer than a message in JSON. */
const LINE_MAX_BYTES = 64 * 1024 * 1024;
const COMPRESSED = 1;

/**
 * A method that streams its replies, for those who have HTTP and nothing else: the request is one JSON object (or, of a method without side
 * effects, `?message=` of a GET), each reply a line of JSON. An error before the first reply is that of a unary call, with its HTTP status;
 * a later one is the last line, `{"error": …}`. Around the handler of Connect, whose streams need five bytes before each message.
 */
export function asLines(handler: UniversalHandler): UniversalHandlerFn {
  return async (request) => {
    const { status, body, header } = await handler(enveloped(request));
    if (body === undefined) return { status, ...(header ? { header } : {}) };
    const envelopes = pipe(body, transformSplitEnvelope(LINE_MAX_BYTES))[Symbol.asyncIterator]();
    const first = await envelopes.next();
    const failure = first.done === true ? undefined : errorOf(first.value);
    return failure === undefined ? answer(lines(first, envelopes)) : refusal(failure);
  };
}

/** Whether a request is one of these: where the other kinds of streams have types of their own. */
export function wantsLines({ method }: UniversalHandler, request: UniversalServerRequest): boolean {
  if (method.methodKind !== "server_streaming") return false;
  if (request.method === "GET") return method.idempotency === Idempotency.NO_SIDE_EFFECTS;
  return /^application\/json\b/i.test(request.header.get("content-type") ?? "");
}

type Envelope = { readonly flags: number; readonly data: Uint8Array };
type WireError = { readonly code?: string; readonly message?: string };

function enveloped(request: UniversalServerRequest): UniversalServerRequest {
  const header = new Headers(request.header);
  const encoding = header.get("content-encoding");
  header.set("content-type", "application/connect+json");
  for (const name of ["content-encoding", "content-length", "connect-accept-encoding"]) header.delete(name);
  if (encoding !== null) header.set("connect-content-encoding", encoding);
  async function* body() {
    const bytes = await requestBytes(request);
    yield encodeEnvelope(encoding === null ? 0 : COMPRESSED, bytes);
  }
  return { ...request, method: "POST", header, body: body() };
}

async function requestBytes({ method, url, body, header }: UniversalServerRequest): Promise<Uint8Array> {
  if (method === "GET") return new TextEncoder().encode(new URL(url).searchParams.get("message") || "{}");
  return readAllBytes(body as AsyncIterable<Uint8Array>, READ_MAX_BYTES, header.get("content-length"));
}

async function* lines(
  first: IteratorResult<Envelope, unknown>,
  rest: AsyncIterator<Envelope>,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    for (let next = first; next.done !== true; next = await rest.next()) {
      const error = errorOf(next.value);
      if (error !== undefined) yield line({ error });
      else if ((next.value.flags & endStreamFlag) === 0) yield Buffer.concat([next.value.data, NEW_LINE]);
    }
  } finally {
    await rest.return?.();
  }
}

const NEW_LINE = Buffer.from("\n");

function line(value: unknown): Uint8Array {
  return Buffer.from(`${JSON.stringify(value)}\n`);
}

/** The error with which a stream ends, if it is its end and it does. */
function errorOf({ flags, data }: Envelope): WireError | undefined {
  if ((flags & endStreamFlag) === 0) return undefined;
  return (JSON.parse(new TextDecoder().decode(data)) as { error?: WireError }).error;
}

function answer(body: AsyncIterable<Uint8Array>): UniversalServerResponse {
  return { status: 200, header: new Headers({ "content-type": "application/x-ndjson" }), body };
}

function refusal(error: WireError): UniversalServerResponse {
  const code = codeFromString(error.code ?? "");
  return {
    status: code === undefined ? 500 : codeToHttpStatus(code),
    header: new Headers({ "content-type": "application/json" }),
    body: createAsyncIterable([line(error)]),
  };
}
