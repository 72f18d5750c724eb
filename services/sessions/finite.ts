import { ELEMENT_BYTES, type Kernels, loadKernels } from "#libs/kernels";

const summed = ["F32", "BF16", "F16"] as const;

/** Types of floating-point numbers that a session sums. */
export type SummedType = (typeof summed)[number];

/** Whether a session sums numbers of this type. */
export function isSummed(dtype: string): dtype is SummedType {
  return (summed as readonly string[]).includes(dtype);
}

/** Bytes of a number. */
export function numberBytes(dtype: SummedType): number {
  return ELEMENT_BYTES[dtype];
}

const PIECE_BYTES = 64 << 10;

/** One for each thread: work happens between two turns of the event loop. */
let own: { readonly kernels: Kernels; readonly piece: number; room: number; roomBytes: number } | undefined;

function kernelsHere() {
  if (own === undefined) {
    const kernels = loadKernels();
    own = { kernels, piece: kernels.allocate(PIECE_BYTES), room: 0, roomBytes: 0 };
  }
  return own;
}

/** Room for so many bytes where `firstNotFinite` looks at them without a copy. Void after the next call. */
export function checkedRoom(bytes: number): Uint8Array<ArrayBuffer> {
  const here = kernelsHere();
  if (here.roomBytes < bytes) {
    here.room = here.kernels.allocate(bytes);
    here.roomBytes = bytes;
  }
  return here.kernels.bytes(here.room, bytes);
}

/** Index of the first number that is NaN or infinite, or -1. `bytes` are whole little-endian numbers at any alignment. */
export function firstNotFinite(dtype: SummedType, bytes: Uint8Array): number {
  const { kernels, piece } = kernelsHere();
  const width = ELEMENT_BYTES[dtype];
  if (bytes.buffer === kernels.memory.buffer) return kernels.firstNotFinite(dtype, bytes.byteOffset, bytes.length / width);
  for (let begin = 0; begin < bytes.length; begin += PIECE_BYTES) {
    const part = bytes.subarray(begin, begin + PIECE_BYTES);
    kernels.bytes(piece, part.length).set(part);
    const found = kernels.firstNotFinite(dtype, piece, part.length / width);
    if (found >= 0) return begin / width + found;
  }
  return -1;
}
