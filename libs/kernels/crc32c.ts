import { loadKernels } from "./kernels.ts";
import type { Kernels } from "./types.ts";

const PIECE = 65536;

let own: { readonly kernels: Kernels; readonly address: number } | undefined;

/**
 * CRC-32C (Castagnoli) of bytes that lie anywhere; `seed` is the CRC of what comes before them. Check value: of "123456789" it is 0xe3069283.
 * @example
 * ```ts
 * crc32c(new TextEncoder().encode("123456789")); // 0xe3069283
 * ```
 */
export function crc32c(bytes: Uint8Array, seed = 0): number {
  own ??= create();
  const { kernels, address } = own;
  const room = kernels.bytes(address, PIECE);
  let crc = seed;
  for (let begin = 0; begin < bytes.length; begin += PIECE) {
    const piece = bytes.subarray(begin, begin + PIECE);
    room.set(piece);
    crc = kernels.crc32c(address, piece.length, crc);
  }
  return crc;
}

function create() {
  const kernels = loadKernels();
  return { kernels, address: kernels.allocate(PIECE) };
}
