import type { ResizeColumnsArguments, ResizeLinesArguments, Windows } from "../types.ts";

const FRACTION_BITS = 22;

/** The specification of `Kernels.resizeLines`. */
export function resizeLinesTwin(memory: WebAssembly.Memory, args: ResizeLinesArguments): void {
  const { from, lineBytes, lines, channels, out, windows } = args;
  const bytes = new Uint8Array(memory.buffer);
  for (let y = 0; y < lines; y++) {
    for (let x = 0; x < windows.size; x++) {
      for (let channel = 0; channel < channels; channel++) {
        const begin = from + y * lineBytes + channel;
        bytes[out + (y * windows.size + x) * channels + channel] = sum(memory, windows, x, (place) => bytes[begin + place * channels]!);
      }
    }
  }
}

/** The specification of `Kernels.resizeColumns`. */
export function resizeColumnsTwin(memory: WebAssembly.Memory, { from, lineBytes, out, windows }: ResizeColumnsArguments): void {
  const bytes = new Uint8Array(memory.buffer);
  for (let y = 0; y < windows.size; y++) {
    for (let i = 0; i < lineBytes; i++) {
      bytes[out + y * lineBytes + i] = sum(memory, windows, y, (place) => bytes[from + place * lineBytes + i]!);
    }
  }
}

/** The sum of a window, rounded; halves go up. */
function sum(
  { buffer }: WebAssembly.Memory,
  { size, first, counts, weights, stride }: Windows,
  at: number,
  byteAt: (place: number) => number,
) {
  const begin = new Int32Array(buffer, first, size)[at]!;
  const count = new Int32Array(buffer, counts, size)[at]!;
  const factors = new Int32Array(buffer, weights + at * stride * 4, count);
  const total = factors.reduce((sum, factor, k) => sum + factor * byteAt(begin + k), 2 ** (FRACTION_BITS - 1));
  return Math.floor(total / 2 ** FRACTION_BITS);
}
