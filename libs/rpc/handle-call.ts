import type { ServerDuplexStream } from "@grpc/grpc-js";
import { context as tracing } from "@opentelemetry/api";
import { Code } from "./code.ts";
import { abortError, cancelled, deadlineExceeded, internal, isAbort, RpcError } from "./errors.ts";
import type { WireHandler } from "./implement.ts";
import { toWireStatus } from "./status.ts";
import { messageWriter, readMessages } from "./stream.ts";
import { startServerSpan } from "./tracing.ts";
import type { CallContext, RpcLog } from "./types.ts";

/** A call in the hands of a handler. */
export type OpenCall = {
  /** Ends the call with this error now, whether its handler listens or not. */
  abort(error: RpcError): void;
  /** Resolves when the handler has ended; never rejects. */
  readonly ended: Promise<void>;
};

/** How a call is to be handled. */
export type HandleOptions = {
  /** "package.Service/Method" */
  method: string;
  handler: WireHandler;
  traced: boolean;
  /** The caller sends a stream, whose end counts. */
  streamed: boolean;
  /** Throws if the call may not be made. */
  admit: (metadata: ReadonlyMap<string, string>) => void;
  log: RpcLog;
};

/** Runs one call on its handler: reads, writes, cancellation, errors and the span, for all four kinds of methods. */
export function handleCall(call: ServerDuplexStream<Buffer, Buffer>, options: HandleOptions): OpenCall {
  const controller = new AbortController();
  let over = false;

  // grpc-js emits "cancelled" at the end of every call, also of good ones, so it means something only before our own end.
  call.once("cancelled", () => {
    if (over) return;
    over = true;
    controller.abort(endedByCaller(call));
  });

  // grpc-js sends the status of a failed stream when it sees "error"; after destroy(error) it would send nothing at all.
  const fail = (error: RpcError) => {
    if (over) return;
    over = true;
    call.emit("error", toWireStatus(error));
  };

  const span = options.traced ? startServerSpan(options.method, call.getPeer(), call.metadata) : undefined;
  const run = async () => {
    try {
      const context = callContext(call, options.method, controller.signal);
      options.admit(context.metadata);
      const requests = options.streamed ? readWholeStream(call, controller.signal) : readMessages(call, controller.signal);
      const write = messageWriter(call, controller.signal);
      for await (const message of options.handler(requests, context)) await write(message);
      controller.signal.throwIfAborted();
      over = true;
      call.end();
      span?.end();
    } catch (thrown) {
      const error = expectedError(thrown, controller.signal);
      if (error === undefined) options.log.error({ err: thrown, method: options.method }, "call failed unexpectedly");
      // The caller learns that it has to wait; what is missing is for who runs the service.
      else if (error.code === Code.RESOURCE_EXHAUSTED && error.cause !== undefined)
        options.log.error({ err: error.cause, method: options.method }, "call refused for want of room");
      const sent = error ?? internal("internal error");
      fail(sent);
      span?.end(sent);
    }
  };
  // The handler's generator is driven from inside the span's context, so spans made anywhere in it get the right parent.
  const ended = span === undefined ? run() : tracing.with(span.context, run);
  return {
    ended,
    abort(error) {
      fail(error);
      controller.abort(error);
    },
  };
}

/**
 * A stream of requests. A caller that resets it looks for a moment like one that has sent everything: "end" comes before "aborted"
 * (Node 24: one turn of the event loop; Bun 1.4: two), so the end counts only if the stream is whole two turns later.
 */
async function* readWholeStream(
  call: ServerDuplexStream<Buffer, Buffer>,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  yield* readMessages(call, signal);
  for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setImmediate(resolve));
  signal.throwIfAborted();
  if (wasReset(call)) throw endedByCaller(call);
}

/** What the HTTP/2 stream below says; grpc-js's own "cancelled" comes later still. */
function wasReset(call: object): boolean {
  const { stream } = ("call" in call ? call.call : {}) as { stream?: { aborted?: boolean; destroyed?: boolean } };
  return stream?.aborted === true || stream?.destroyed === true;
}

function callContext(call: ServerDuplexStream<Buffer, Buffer>, method: string, signal: AbortSignal): CallContext {
  const metadata = new Map<string, string>();
  const binaryMetadata = new Map<string, Uint8Array[]>();
  for (const [key, value] of Object.entries(call.metadata.getMap())) {
    if (typeof value === "string") metadata.set(key, value);
    else binaryMetadata.set(key, call.metadata.get(key) as Buffer[]);
  }
  const deadline = Number(call.getDeadline());
  const ends = Number.isFinite(deadline) ? new Date(deadline) : undefined;
  return { signal, metadata, binaryMetadata, deadline: ends, method, peer: call.getPeer() };
}

function endedByCaller(call: ServerDuplexStream<Buffer, Buffer>): RpcError {
  // A caller whose own deadline fires cancels the call at about the time at which ours would; 10 ms covers timer rounding.
  const past = Number(call.getDeadline()) - Date.now() <= 10;
  return past ? deadlineExceeded("the deadline of the call passed") : cancelled("the caller left");
}

/** The error that the caller may see; undefined for a bug. */
function expectedError(thrown: unknown, signal: AbortSignal): RpcError | undefined {
  if (thrown instanceof RpcError) return thrown;
  if (signal.aborted && (thrown === signal.reason || isAbort(thrown))) return abortError(signal.reason);
  return isAbort(thrown) ? abortError(thrown) : undefined;
}
