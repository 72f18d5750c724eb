import http2, { type ClientHttp2Session, type ClientHttp2Stream } from "node:http2";
import type { Duplex } from "node:stream";
import { holdSender } from "./hold-sender.ts";

let prepared = false;

/**
 * Prepares what grpc-js opens as a client, whose sessions and streams nobody hands out: those of every HTTP/2 client of this process. Their
 * streams hold the other side back, and they leave without a word.
 */
export function prepareClientSessions(): void {
  if (prepared) return;
  prepared = true;
  const { connect } = http2;
  http2.connect = ((authority: string | URL, options?: http2.ClientSessionOptions, ...rest: never[]) => {
    const createConnection = options?.createConnection;
    if (createConnection === undefined) return connect(authority, options, ...rest);
    let socket: Duplex | undefined;
    const create: typeof createConnection = (...of) => (socket = createConnection(...of));
    const session = connect(authority, { ...options, createConnection: create }, ...rest);
    leaveSilently(session, () => socket?.destroy());
    const { request } = session;
    session.request = (...of) => holdSender(request.apply(session, of));
    return session;
  }) as typeof connect;
}

/**
 * A session that is closed would say goodbye (GOAWAY), and Deno 2.9 may crash in nghttp2 when one reaches it (see farewell.ts): a server there
 * would end with a client. So the connection is cut instead, once its calls are over; to servers that is the same. A call is over with its
 * trailers, too: where nobody reads what came before them, its stream stays open.
 */
function leaveSilently(session: ClientHttp2Session, cut: () => void): void {
  const open = new Set<ClientHttp2Stream>();
  let leaving = false;
  const leave = () => leaving && open.size === 0 && cut();
  const { request } = session;
  session.request = (...of) => {
    const stream = request.apply(session, of);
    const over = () => {
      open.delete(stream);
      leave();
    };
    open.add(stream);
    return stream.once("trailers", over).once("close", over);
  };
  session.close = () => {
    leaving = true;
    leave();
  };
}
