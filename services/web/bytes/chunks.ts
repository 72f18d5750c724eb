import { cancelled } from "#libs/rpc";
import type { SentRange } from "./sent-range.ts";

/** As large as a message may carry, and never smaller but at the end. */
const CHUNK_BYTES = 1 << 20;

/**
 * The bytes of a file from `offset` on, out of a body that begins at `from` or before: in chunks of 1 MiB, the last one shorter.
 * @throws RpcError CANCELLED where the body ends before the file does: its sender was cut off
 */
export async function* chunksFrom(
  body: AsyncIterable<Uint8Array>,
  { from, size }: SentRange,
  offset: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  let at = from;
  let chunk = new Uint8Array(Math.min(CHUNK_BYTES, size - offset));
  let filled = 0;
  for await (const piece of body) {
    let rest = piece.subarray(Math.min(piece.length, Math.max(0, offset - at)));
    at += piece.length;
    while (rest.length > 0) {
      const taken = rest.subarray(0, chunk.length - filled);
      chunk.set(taken, filled);
      filled += taken.length;
      rest = rest.subarray(taken.length);
      if (filled < chunk.length) continue;
      yield chunk;
      offset += filled;
      // A new one: the last may wait to be sent.
      chunk = new Uint8Array(Math.min(CHUNK_BYTES, size - offset));
      filled = 0;
      if (offset === size) return;
    }
  }
  if (offset < size) throw cancelled(`the body ended at byte ${at} of ${size}`, { reason: "BODY_CUT" });
}
