import type { DescMethod } from "@bufbuild/protobuf";
import type { Client, ClientDuplexStream, Metadata, ServiceError } from "@grpc/grpc-js";
import { abortable } from "#libs/concurrency";
import { idleTimer, type LinkedController, linkedController } from "./abort.ts";
import { Code, codeName, toCode } from "./code.ts";
import { decode, encode, identity } from "./codec.ts";
import { connectionReason } from "./connection.ts";
import { isCutWhileWriting } from "./cut-while-writing.ts";
import { abortError, cancelled, deadlineExceeded, internal, RpcError } from "./errors.ts";
import { fromWireStatus } from "./status.ts";
import { messageWriter, readMessages } from "./stream.ts";

/** What one attempt of a call needs. */
export type Attempt = {
  client: Client;
  address: string;
  method: DescMethod;
  requests: AsyncIterable<Uint8Array>;
  metadata: Metadata;
  /** Absolute, in milliseconds since 1970; Infinity for none. */
  deadline: number;
  timeoutMs: number;
  idleTimeoutMs: number | undefined;
  signal: AbortSignal;
  /** What is made of a reply; the message of its bytes unless given. */
  receive?: ((bytes: Uint8Array) => unknown) | undefined;
};

/** The whole name of a method, as in spans and messages. */
export function methodName(method: DescMethod): string {
  return `${method.parent.typeName}/${method.name}`;
}

/**
 * Runs one attempt: sends the requests, yields the replies, and throws what went wrong as an RpcError, or as it is if the
 * request stream threw it. Leaving early cancels the call on the server: destroying the local stream alone would not.
 */
export async function* runAttempt(attempt: Attempt): AsyncGenerator<unknown, void, undefined> {
  const { method, signal, receive = (bytes) => decodeReply(method, bytes) } = attempt;
  if (signal.aborted) throw abortError(signal.reason);
  using controller = linkedController(signal);
  const call = start(attempt);
  let failure: ServiceError | undefined;
  let finished = false;
  call.on("error", (error: ServiceError) => {
    failure = error;
  });
  call.once("status", () => {
    finished = true;
    // Requests that nobody takes any more: the sender leaves its loop and closes its source.
    sending.abort(requestsOver);
  });
  using idle = idleTimer(attempt.idleTimeoutMs, () => {
    const message = `${methodName(method)} on ${attempt.address}: no message within ${attempt.idleTimeoutMs} ms`;
    controller.abort(deadlineExceeded(message, { reason: "IDLE_TIMEOUT" }));
  });
  using sending = linkedController(controller.signal);
  void send(call, attempt.requests, sending.signal, idle.touch).catch((error) => controller.abort(new RequestsFailed(error)));
  const replies = readMessages(call, controller.signal);
  try {
    for (;;) {
      idle.start();
      const next = await replies.next();
      idle.stop();
      if (next.done === true) break;
      yield receive(next.value);
    }
    if (failure !== undefined) throw receivedError(failure, attempt);
  } catch (error) {
    throw callError(error, controller, attempt);
  } finally {
    if (!finished) {
      sending.abort(requestsOver);
      call.cancel();
    }
    await replies.return();
  }
}

function start({ client, method, metadata, deadline }: Attempt): ClientDuplexStream<Buffer, Buffer> {
  const path = `/${methodName(method)}`;
  return client.makeBidiStreamRequest(path, identity, identity, metadata, Number.isFinite(deadline) ? { deadline } : {});
}

/** Why the sender stops: the call is over. No error. */
const requestsOver = new Error("the call is over");

class RequestsFailed extends Error {
  constructor(cause: unknown) {
    super("the request stream failed", { cause });
  }
}

async function send(call: ClientDuplexStream<Buffer, Buffer>, requests: AsyncIterable<Uint8Array>, signal: AbortSignal, touch: () => void) {
  const write = messageWriter(call, signal);
  try {
    for await (const message of until(requests, signal)) {
      await write(message);
      touch();
    }
    call.end();
  } catch (error) {
    // The call ended or was cancelled first; whoever reads the replies learns why.
    if (signal.aborted) return;
    throw error;
  }
}

/** The items of a source until the signal aborts. The source is closed then, without waiting for an item that may never come. */
async function* until<T>(source: AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T, void, undefined> {
  const iterator = source[Symbol.asyncIterator]();
  let done = false;
  try {
    for (;;) {
      const next = await abortable(iterator.next(), signal);
      if (next.done === true) {
        done = true;
        return;
      }
      yield next.value;
    }
  } finally {
    // Not awaited: a generator that waits for its next item closes only after that.
    if (!done) iterator.return?.()?.then(undefined, () => {});
  }
}

function decodeReply(method: DescMethod, bytes: Uint8Array): unknown {
  try {
    return decode(method.output, bytes);
  } catch (error) {
    throw internal(`${methodName(method)}: the reply is not a valid ${method.output.typeName}`, {
      reason: "MALFORMED_REPLY",
      cause: error,
    });
  }
}

function callError(error: unknown, controller: LinkedController, attempt: Attempt): unknown {
  if (!controller.signal.aborted || error !== controller.signal.reason) return error;
  if (error instanceof RequestsFailed) return error.cause;
  if (error instanceof RpcError) return error;
  const message = `${methodName(attempt.method)} on ${attempt.address} was cancelled`;
  const mapped = abortError(error);
  return mapped.code === Code.CANCELLED ? cancelled(message, { cause: error }) : mapped;
}

/** The error of a status: from its google.rpc.Status, else from the plain code and text, which grpc-js makes up for local failures. */
function receivedError(failure: ServiceError, attempt: Attempt): RpcError {
  const rich = fromWireStatus(failure);
  if (rich !== undefined) return rich;
  const code = isCutWhileWriting(failure.details) ? Code.UNAVAILABLE : toCode(failure.code);
  const details = { reason: codeName(code), metadata: { address: attempt.address }, cause: failure };
  switch (code) {
    case Code.DEADLINE_EXCEEDED:
      return new RpcError(
        code,
        `${methodName(attempt.method)} on ${attempt.address} did not finish within ${attempt.timeoutMs} ms`,
        details,
      );
    case Code.UNAVAILABLE:
      return new RpcError(code, `${attempt.address} is not available: ${connectionReason(failure.details)}`, details);
    default:
      return new RpcError(code, failure.details, details);
  }
}

/** The bytes of each request. */
export async function* encodeAll(method: DescMethod, requests: AsyncIterable<never>): AsyncGenerator<Buffer, void, undefined> {
  for await (const request of requests) yield encode(method.input, request);
}
