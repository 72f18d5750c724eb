import { writeSafetensors } from "#libs/tensors";
import { openColumns } from "./columns.ts";
import { contentOf, type ImageIndex, SHA256_BYTES } from "./shards/image-index.ts";

const FORMAT = "ratatouille-looks/1";

/** What images look like, by their bytes: each image once, in the order of its digest. */
export type ImageLooks = {
  /** [n, 32], of the file of each image. */
  readonly sha256: Uint8Array;
  /** [n, 2], 64 bits each: see glimpseImage. */
  readonly hash: Uint32Array;
};

/**
 * The file of looks, safetensors: `sha256` U8 [n, 32] and `hash` I32 [n, 2]. Equal looks have equal bytes.
 * @example
 * ```ts
 * const looks = { sha256: new Uint8Array(32), hash: Uint32Array.of(0xf0f0, 7) };
 * decodeLooks(encodeLooks(looks)).hash; // Uint32Array.of(0xf0f0, 7)
 * ```
 */
export function encodeLooks({ sha256, hash }: ImageLooks): Uint8Array {
  const n = sha256.length / SHA256_BYTES;
  const data = new Uint8Array(hash.buffer, hash.byteOffset, hash.byteLength);
  return writeSafetensors(
    [
      { name: "sha256", dtype: "U8", shape: [n, SHA256_BYTES], data: sha256 },
      { name: "hash", dtype: "I32", shape: [n, 2], data },
    ],
    { format: FORMAT },
  );
}

/** Reads what `encodeLooks` wrote. @throws ImageSetError for other bytes */
export function decodeLooks(file: Uint8Array): ImageLooks {
  const { lengthOf, bytesOf } = openColumns(file, "looks of images", [FORMAT]);
  const n = lengthOf("sha256");
  return { sha256: bytesOf("sha256", "U8", [n, SHA256_BYTES]), hash: new Uint32Array(bytesOf("hash", "I32", [n, 2]).buffer) };
}

/** [count, 2], what the images of an index look like; zeros, which are like nothing, for those of which it is not known. */
export function looksOf(index: ImageIndex, looks: ImageLooks): Uint32Array {
  const places = new Map<string, number>();
  for (let i = 0; i < looks.sha256.length / SHA256_BYTES; i++) places.set(contentOf(looks, i), i);
  const found = new Uint32Array(2 * index.count);
  for (let row = 0; row < index.count; row++) {
    const place = places.get(contentOf(index, row));
    if (place !== undefined) found.set(looks.hash.subarray(2 * place, 2 * place + 2), 2 * row);
  }
  return found;
}
