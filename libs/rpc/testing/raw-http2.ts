import { once } from "node:events";
import { createConnection } from "node:net";

const PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/** Frame types of RFC 9113, section 6. */
export const FrameType = {
  DATA: 0,
  HEADERS: 1,
  PRIORITY: 2,
  RST_STREAM: 3,
  SETTINGS: 4,
  PUSH_PROMISE: 5,
  PING: 6,
  GOAWAY: 7,
  WINDOW_UPDATE: 8,
  CONTINUATION: 9,
} as const;

/** Flags of DATA and HEADERS. */
export const Flag = { END_STREAM: 1, END_HEADERS: 4 } as const;

/** The bytes of one frame, whatever they are worth (RFC 9113, section 4.1). */
export function frame(type: number, flags: number, stream: number, payload: Uint8Array): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** The types of the frames that a client has sent, after its preface. */
export function frameTypes(sent: Buffer): number[] {
  const types: number[] = [];
  for (let at = PREFACE.length; at + 9 <= sent.length; at += 9 + sent.readUIntBE(at, 3)) types.push(sent[at + 3]!);
  return types;
}

/** A header block in which every field is literal, never indexed, without Huffman codes (RFC 7541, section 6.2.3). */
export function headerBlock(fields: Readonly<Record<string, string>>): Buffer {
  const text = (value: string) => Buffer.concat([integer(value.length), Buffer.from(value, "latin1")]);
  return Buffer.concat(Object.entries(fields).flatMap(([name, value]) => [Buffer.of(0x10), text(name), text(value)]));
}

/** An integer with a prefix of seven bits (RFC 7541, section 5.1). */
function integer(value: number): Buffer {
  if (value < 127) return Buffer.of(value);
  const bytes = [127];
  for (let rest = value - 127; ; rest >>= 7) {
    if (rest < 128) return Buffer.from([...bytes, rest]);
    bytes.push((rest & 127) | 128);
  }
}

/** The fields of a call of a method, as every gRPC client sends them. */
export function callFields(path: string, more: Readonly<Record<string, string>> = {}): Record<string, string> {
  const fixed = { ":method": "POST", ":scheme": "http", ":path": path, ":authority": "x" };
  return { ...fixed, "content-type": "application/grpc", te: "trailers", ...more };
}

/** A connection on which anything can be sent. */
export type RawConnection = AsyncDisposable & {
  send(...frames: readonly Uint8Array[]): void;
  /** What has arrived. */
  received(): Buffer;
  /** Whether the other side has closed. */
  isClosed(): boolean;
  /** Ends it at once, with a reset of TCP where that can be had. */
  reset(): void;
};

/** Connects and says hello: the preface, empty SETTINGS and their ACK. */
export async function rawConnection(port: number): Promise<RawConnection> {
  const socket = createConnection({ host: "127.0.0.1", port });
  const chunks: Buffer[] = [];
  socket.on("data", (chunk) => chunks.push(chunk)).on("error", () => undefined);
  await once(socket, "connect");
  // Not `once`, which an error would reject.
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  socket.write(Buffer.concat([Buffer.from(PREFACE), frame(FrameType.SETTINGS, 0, 0, new Uint8Array())]));
  await once(socket, "data");
  socket.write(frame(FrameType.SETTINGS, 1, 0, new Uint8Array()));
  return {
    send: (...frames) => void socket.write(Buffer.concat(frames)),
    received: () => Buffer.concat(chunks),
    isClosed: () => socket.destroyed,
    reset: () => void (typeof socket.resetAndDestroy === "function" ? socket.resetAndDestroy() : socket.destroy()),
    async [Symbol.asyncDispose]() {
      socket.destroy();
      await closed;
    },
  };
}
