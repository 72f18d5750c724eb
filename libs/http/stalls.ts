import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";

type Watched = {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** A request that was destroyed has none any more. */
  readonly socket: Socket;
  seen: string;
  since: number;
};

/** Looks so often within the time that is allowed. */
const LOOKS = 4;

/**
 * Cuts off who makes a server wait: a body of which nothing comes although the handler would take it, an answer that nobody reads. Who waits
 * for the server is not cut off, however long that takes.
 */
export function watchStalls(stallMs: number): {
  add(request: IncomingMessage, response: ServerResponse): Disposable;
  stop(): void;
} {
  const watched = new Set<Watched>();
  const look = () => {
    for (const one of watched) {
      const { request, response, socket } = one;
      const seen = `${socket.bytesRead}/${socket.bytesWritten}`;
      const sends = !request.complete && !request.destroyed && request.readableLength === 0 && !response.writableEnded;
      const waits = sends || response.writableNeedDrain || (response.writableEnded && !response.writableFinished);
      if (!waits || seen !== one.seen) Object.assign(one, { seen, since: performance.now() });
      else if (performance.now() - one.since >= stallMs) socket.destroy();
    }
  };
  const timer = setInterval(look, stallMs / LOOKS);
  timer.unref();
  return {
    add(request, response) {
      const one = { request, response, socket: request.socket, seen: "", since: performance.now() };
      watched.add(one);
      return { [Symbol.dispose]: () => void watched.delete(one) };
    },
    stop: () => clearInterval(timer),
  };
}
