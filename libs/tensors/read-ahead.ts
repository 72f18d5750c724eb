import { type ByteSource, checkRange } from "./source.ts";

/**
 * The same bytes, fetched in whole blocks of which the last is kept: many small reads in ascending order become few large ones, and so do
 * those that are asked for at once. What lies in one block is a view of it.
 * Memory: one block.
 */
export function readAhead(source: ByteSource, blockBytes: number): ByteSource {
  let kept: { readonly index: number; readonly bytes: Promise<Uint8Array> } | undefined;

  function block(index: number): Promise<Uint8Array> {
    if (kept?.index === index) return kept.bytes;
    const offset = index * blockBytes;
    const own = { index, bytes: source.read(offset, Math.min(blockBytes, source.size - offset)) };
    kept = own;
    own.bytes.catch(() => {
      if (kept === own) kept = undefined;
    });
    return own.bytes;
  }

  return {
    size: source.size,
    async read(offset, length) {
      checkRange(offset, length, source.size);
      if (length === 0) return new Uint8Array(0);
      const first = Math.floor(offset / blockBytes);
      const piece = (bytes: Uint8Array, index: number) =>
        bytes.subarray(Math.max(0, offset - index * blockBytes), offset + length - index * blockBytes);
      if (offset + length <= (first + 1) * blockBytes) return piece(await block(first), first);
      const out = new Uint8Array(length);
      for (let done = 0; done < length; ) {
        const index = Math.floor((offset + done) / blockBytes);
        const part = piece(await block(index), index);
        out.set(part, done);
        done += part.length;
      }
      return out;
    },
  };
}
