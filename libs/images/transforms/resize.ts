import type { Kernels, Windows } from "#libs/kernels";
import type { Box, Picture, Size } from "../picture.ts";
import { freshKernels } from "./own-kernels.ts";

// Weights are whole numbers of 2^-22, as Pillow has them: products with a byte and their sums stay below 2^31.
const ONE = 2 ** 22;

/** Of a large picture, so much goes through the kernels at once. */
const STRIP_BYTES = 1 << 20;

/**
 * Resizes a picture, or a part of it, bilinearly with antialiasing: where it becomes smaller the triangle is as wide as the step. First all
 * lines, then all columns, rounded to bytes after each: the bytes of Pillow's `Image.crop(box).resize(size, BILINEAR)`. Pillow 13 sometimes
 * does columns first, mostly where the width grows and the height shrinks; then numbers differ by 1 at most.
 * @param box the part; all of it where there is none. Nothing outside it has a part in the result.
 * @example
 * ```ts
 * const picture = { width: 4, height: 1, channels: 1, pixels: Uint8Array.of(0, 100, 200, 100) };
 * [...resize(picture, { width: 2, height: 1 }).pixels]; // [71, 143]
 * ```
 */
export function resize(picture: Picture, { width, height }: Size, box: Box = whole(picture)): Picture {
  const { channels, pixels } = picture;
  const kernels = freshKernels();
  const lineBytes = picture.width * channels;
  const strip = Math.min(box.height, Math.max(1, Math.floor(STRIP_BYTES / lineBytes)));
  const input = kernels.allocate(strip * lineBytes + 1);
  const lines = kernels.allocate(box.height * width * channels + 1);
  const out = kernels.allocate(height * width * channels);
  const horizontal = triangles(kernels, box.width, width);
  const vertical = triangles(kernels, box.height, height);
  for (let y = 0; y < box.height; y += strip) {
    const count = Math.min(strip, box.height - y);
    const begin = (box.top + y) * lineBytes;
    kernels.bytes(input, count * lineBytes).set(pixels.subarray(begin, begin + count * lineBytes));
    kernels.resizeLines({
      from: input + box.left * channels,
      lineBytes,
      lines: count,
      channels,
      out: lines + y * width * channels,
      windows: horizontal,
    });
  }
  kernels.resizeColumns({ from: lines, lineBytes: width * channels, out, windows: vertical });
  return { width, height, channels, pixels: kernels.bytes(out, height * width * channels).slice() };
}

function whole({ width, height }: Size): Box {
  return { top: 0, left: 0, width, height };
}

/** The windows of a line of `from` places that becomes one of `to`. */
function triangles(kernels: Kernels, from: number, to: number): Windows {
  const step = from / to;
  const support = Math.max(step, 1);
  const inverse = 1 / support;
  const stride = Math.ceil(support) * 2 + 1;
  const first = new Int32Array(to);
  const counts = new Int32Array(to);
  const weights = new Int32Array(to * stride);
  const exact = new Float64Array(stride);
  for (let place = 0; place < to; place++) {
    const center = (place + 0.5) * step;
    const begin = Math.max(0, Math.trunc(center - support + 0.5));
    const count = Math.min(from, Math.trunc(center + support + 0.5)) - begin;
    let sum = 0;
    for (let k = 0; k < count; k++) {
      exact[k] = Math.max(0, 1 - Math.abs((begin + k - center + 0.5) * inverse));
      sum += exact[k]!;
    }
    for (let k = 0; k < count; k++) weights[place * stride + k] = Math.trunc(0.5 + (exact[k]! / sum) * ONE);
    first[place] = begin;
    counts[place] = count;
  }
  return { size: to, stride, first: put(kernels, first), counts: put(kernels, counts), weights: put(kernels, weights) };
}

function put(kernels: Kernels, numbers: Int32Array): number {
  const address = kernels.allocate(numbers.byteLength);
  kernels.bytes(address, numbers.byteLength).set(new Uint8Array(numbers.buffer));
  return address;
}
