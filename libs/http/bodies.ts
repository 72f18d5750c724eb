import type { IncomingMessage, ServerResponse } from "node:http";
import { Code, cancelled } from "#libs/rpc";
import { HttpError } from "./errors.ts";

/** A body of more than so many bytes. */
export function bodyTooLarge(bytes: number): HttpError {
  return new HttpError(413, `the body has more than ${bytes} bytes`, { code: Code.RESOURCE_EXHAUSTED, reason: "BODY_TOO_LARGE" });
}

/**
 * The chunks of the body of a request, at most `bytes` of them together, whatever its headers say.
 * @throws HttpError 413 at the chunk that is too much; RpcError CANCELLED where the caller leaves before its end
 */
export async function* limitedBody(request: IncomingMessage, bytes: number): AsyncGenerator<Uint8Array, void, undefined> {
  let read = 0;
  try {
    // Who stops reading still answers: the request is not destroyed with the loop.
    for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>) {
      read += chunk.length;
      if (read > bytes) throw bodyTooLarge(bytes);
      yield chunk;
    }
  } catch (error) {
    throw error === request.errored ? cancelled("the caller left", { cause: error }) : error;
  }
  // A body that was cut may end without an error.
  if (!request.complete) throw cancelled("the caller left");
}

/** The whole body of a request in memory. Throws as `limitedBody`. */
export async function readBody(request: IncomingMessage, bytes: number): Promise<Uint8Array> {
  return Buffer.concat(await Array.fromAsync(limitedBody(request, bytes)));
}

/**
 * Writes chunks as fast as the caller reads them, and ends the answer.
 * @param signal the handler's: aborts where nobody reads any more, and its reason is thrown
 */
export async function writeBody(response: ServerResponse, chunks: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void> {
  let wake = () => {};
  const wakeUp = () => wake();
  response.on("drain", wakeUp);
  signal.addEventListener("abort", wakeUp);
  try {
    for await (const chunk of chunks) {
      signal.throwIfAborted();
      if (response.write(chunk)) continue;
      await new Promise<void>((resolve) => {
        wake = resolve;
        if (signal.aborted || !response.writableNeedDrain) resolve();
      });
    }
    signal.throwIfAborted();
    response.end();
  } finally {
    response.off("drain", wakeUp);
    signal.removeEventListener("abort", wakeUp);
  }
}
