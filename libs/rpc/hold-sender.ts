import type { Http2Stream } from "node:http2";

type Take = (chunk: Buffer) => void;

/**
 * Makes a stream whose "data" is paused and resumed hold the other side back. On Bun (1.4.5) it does so only where it is read: each `resume`
 * opens the window again for as much as has arrived, so that a slow reader has in its memory whatever a fast sender has sent. There "data",
 * `pause` and `resume`, which is all that grpc-js uses, become reads; elsewhere the stream is left as it is.
 */
export function holdSender<S extends Http2Stream>(stream: S): S {
  if (!("Bun" in globalThis)) return stream;
  const { on, resume, pause } = stream;
  const takers: Take[] = [];
  let paused = false;
  const pump = () => {
    while (!paused) {
      const chunk = stream.read() as Buffer | null;
      if (chunk === null) return;
      for (const take of takers) take(chunk);
    }
  };
  const add = (event: string | symbol, listener: (...args: unknown[]) => void): S => {
    if (event !== "data") return on.call(stream, event, listener) as S;
    if (takers.length === 0) on.call(stream, "readable", pump);
    takers.push(listener as Take);
    return stream;
  };
  return Object.assign(stream, {
    on: add,
    addListener: add,
    pause() {
      paused = true;
      return takers.length === 0 ? (pause.call(stream) as S) : stream;
    },
    resume() {
      paused = false;
      if (takers.length === 0) return resume.call(stream) as S;
      process.nextTick(pump);
      return stream;
    },
  });
}
