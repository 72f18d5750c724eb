/** Floating-point types that contributions may have, with the bytes of a number and the bits that are all set in NaN and the infinities. */
const exponents = {
  F32: { bytes: 4, mask: 0x7f80_0000 },
  BF16: { bytes: 2, mask: 0x7f80_7f80 },
  F16: { bytes: 2, mask: 0x7c00_7c00 },
} as const;

/** Types of floating-point numbers that a session sums. */
export type SummedType = keyof typeof exponents;

/** Whether a session sums numbers of this type. */
export function isSummed(dtype: string): dtype is SummedType {
  return Object.hasOwn(exponents, dtype);
}

/** Bytes of a number. */
export function numberBytes(dtype: SummedType): number {
  return exponents[dtype].bytes;
}

// Work happens between two turns of the event loop, so one is enough for all.
let scratch = new Uint8Array(1 << 20);

/** Index of the first number that is NaN or infinite, or -1. `bytes` are whole little-endian numbers at any alignment. */
export function firstNotFinite(dtype: SummedType, bytes: Uint8Array): number {
  const aligned = bytes.byteOffset % 4 === 0 && bytes.length % 4 === 0 ? bytes : copied(bytes);
  const words = new Uint32Array(aligned.buffer, aligned.byteOffset, aligned.length >> 2);
  return dtype === "F32" ? firstOf32(words) : firstOf16(words, exponents[dtype].mask);
}

function firstOf32(words: Uint32Array): number {
  const { mask } = exponents.F32;
  for (let i = 0; i < words.length; i++) if ((words[i]! & mask) === mask) return i;
  return -1;
}

function firstOf16(words: Uint32Array, mask: number): number {
  const [low, high] = [mask & 0xffff, (mask >>> 16) << 16];
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    if ((word & low) === low) return 2 * i;
    if ((word & high) === high) return 2 * i + 1;
  }
  return -1;
}

/** The same bytes at an aligned address, filled up with zeros to whole words. */
function copied(bytes: Uint8Array): Uint8Array {
  const length = (bytes.length + 3) & ~3;
  if (scratch.length < length) scratch = new Uint8Array(length);
  scratch.set(bytes);
  scratch.fill(0, bytes.length, length);
  return scratch.subarray(0, length);
}
