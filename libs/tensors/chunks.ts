import type { SafetensorsHeader } from "./header.ts";

/** A chunk is at most so long, here and on the wire. */
const CHUNK_BYTES = 1 << 20;
/** Shorter pieces are not worth to be looked for. */
const LEAST_BYTES = 4 << 10;

/** Bytes of a file. `shareable`: a piece of a tensor, which other files may have too, wherever it lies in them. */
export type FileChunk = { readonly offset: number; readonly length: number; readonly shareable: boolean };

/**
 * Cuts a safetensors file into chunks of at most 1 MiB: each tensor from its first byte on, so that equal tensors have equal chunks in every
 * file. Pieces of fewer than 4 KiB and the header lie in chunks that are not shareable. FindMissing of the catalog has the same rule.
 * @param size of the file, in bytes
 * @example
 * ```ts
 * import { parseSafetensorsHeader, saveFloat32 } from "#libs/tensors";
 * const tensors = new Map([["bias", { shape: [4], data: new Float32Array(4) }], ["weight", { shape: [2048], data: new Float32Array(2048) }]]);
 * const file = saveFloat32(tensors);
 * const chunks = cutIntoChunks(parseSafetensorsHeader(file, file.length), file.length);
 * chunks.map(({ length, shareable }) => [length, shareable]); // [[152, false], [8192, true]]
 * ```
 */
export function cutIntoChunks({ tensors, dataOffset }: Pick<SafetensorsHeader, "tensors" | "dataOffset">, size: number): FileChunk[] {
  const chunks: FileChunk[] = [];
  let covered = 0;
  const coverTo = (end: number) => {
    for (; covered < end; covered = Math.min(end, covered + CHUNK_BYTES)) {
      chunks.push({ offset: covered, length: Math.min(CHUNK_BYTES, end - covered), shareable: false });
    }
  };
  for (const { begin, end } of tensors.values()) {
    for (let at = begin; at < end; at += CHUNK_BYTES) {
      const length = Math.min(CHUNK_BYTES, end - at);
      if (length < LEAST_BYTES) continue;
      const offset = dataOffset + at;
      coverTo(offset);
      chunks.push({ offset, length, shareable: true });
      covered = offset + length;
    }
  }
  coverTo(size);
  return chunks;
}
