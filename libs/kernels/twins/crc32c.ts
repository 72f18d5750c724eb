// Castagnoli's polynomial, reversed.
const POLYNOMIAL = 0x82f63b78;

/** The specification of `Kernels.crc32c`: bit by bit. */
export function crc32cTwin(memory: WebAssembly.Memory, address: number, length: number, seed: number): number {
  let crc = ~seed;
  for (const byte of new Uint8Array(memory.buffer, address, length)) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
  }
  return ~crc >>> 0;
}
