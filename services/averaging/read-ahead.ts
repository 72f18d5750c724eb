import type { ByteSource } from "#libs/tensors";

/**
 * The same bytes, fetched in whole blocks of which the last is kept: many small reads in ascending order become few large ones.
 * Memory: one block.
 */
export function readAhead(source: ByteSource, blockBytes: number): ByteSource {
  let kept: { index: number; bytes: Uint8Array } | undefined;

  async function block(index: number): Promise<Uint8Array> {
    if (kept?.index !== index) {
      const offset = index * blockBytes;
      kept = { index, bytes: await source.read(offset, Math.min(blockBytes, source.size - offset)) };
    }
    return kept.bytes;
  }

  return {
    size: source.size,
    async read(offset, length) {
      if (!(offset >= 0 && length >= 0 && offset + length <= source.size)) return source.read(offset, length);
      const out = new Uint8Array(length);
      for (let done = 0; done < length; ) {
        const index = Math.floor((offset + done) / blockBytes);
        const bytes = await block(index);
        const piece = bytes.subarray(offset + done - index * blockBytes, offset + length - index * blockBytes);
        out.set(piece, done);
        done += piece.length;
      }
      return out;
    },
  };
}
