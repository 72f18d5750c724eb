import type { Box, Picture, Size } from "../picture.ts";

// Weights are whole numbers of 2^-22, as Pillow has them: products with a byte and their sums stay below 2^31.
const FRACTION_BITS = 22;
const HALF = 1 << (FRACTION_BITS - 1);

/** For each place of an output line: the first place of the input that has a part in it, how many have, and their weights, `stride` apart. */
type Weights = { readonly first: Int32Array; readonly count: Int32Array; readonly weights: Int32Array; readonly stride: number };

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
export function resize(picture: Picture, { width, height }: Size, box: Box = { top: 0, left: 0, ...sizeOf(picture) }): Picture {
  const { channels } = picture;
  const lines = { pixels: resizeLines(picture, box, triangles(box.width, width)), width, height: box.height, channels };
  return { width, height, channels, pixels: resizeColumns(lines, triangles(box.height, height)) };
}

function sizeOf({ width, height }: Size): Size {
  return { width, height };
}

function triangles(from: number, to: number): Weights {
  const step = from / to;
  const support = Math.max(step, 1);
  const inverse = 1 / support;
  const stride = Math.ceil(support) * 2 + 1;
  const first = new Int32Array(to);
  const count = new Int32Array(to);
  const weights = new Int32Array(to * stride);
  const exact = new Float64Array(stride);
  for (let place = 0; place < to; place++) {
    const center = (place + 0.5) * step;
    const begin = Math.max(0, Math.trunc(center - support + 0.5));
    const length = Math.min(from, Math.trunc(center + support + 0.5)) - begin;
    let sum = 0;
    for (let k = 0; k < length; k++) {
      exact[k] = Math.max(0, 1 - Math.abs((begin + k - center + 0.5) * inverse));
      sum += exact[k]!;
    }
    for (let k = 0; k < length; k++) weights[place * stride + k] = Math.trunc(0.5 + (exact[k]! / sum) * 2 ** FRACTION_BITS);
    first[place] = begin;
    count[place] = length;
  }
  return { first, count, weights, stride };
}

function resizeLines(picture: Picture, box: Box, { first, count, weights, stride }: Weights): Uint8Array {
  const { width: lineWidth, channels, pixels } = picture;
  const width = first.length;
  const out = new Uint8Array(box.height * width * channels);
  const three = channels === 3;
  let to = 0;
  for (let y = 0; y < box.height; y++) {
    const line = ((box.top + y) * lineWidth + box.left) * channels;
    for (let x = 0; x < width; x++) {
      const end = x * stride + count[x]!;
      if (three) {
        let from = line + first[x]! * 3;
        let red = HALF;
        let green = HALF;
        let blue = HALF;
        for (let k = x * stride; k < end; k++) {
          const weight = weights[k]!;
          red = (red + pixels[from]! * weight) | 0;
          green = (green + pixels[from + 1]! * weight) | 0;
          blue = (blue + pixels[from + 2]! * weight) | 0;
          from += 3;
        }
        out[to++] = red >> FRACTION_BITS;
        out[to++] = green >> FRACTION_BITS;
        out[to++] = blue >> FRACTION_BITS;
      } else {
        for (let channel = 0; channel < channels; channel++) {
          let from = line + first[x]! * channels + channel;
          let sum = HALF;
          for (let k = x * stride; k < end; k++, from += channels) sum = (sum + pixels[from]! * weights[k]!) | 0;
          out[to++] = sum >> FRACTION_BITS;
        }
      }
    }
  }
  return out;
}

function resizeColumns({ width, channels, pixels }: Picture, { first, count, weights, stride }: Weights): Uint8Array {
  const length = width * channels;
  const height = first.length;
  const out = new Uint8Array(height * length);
  const sums = new Int32Array(length);
  for (let y = 0; y < height; y++) {
    sums.fill(HALF);
    for (let k = 0; k < count[y]!; k++) {
      const weight = weights[y * stride + k]!;
      const line = (first[y]! + k) * length;
      for (let i = 0; i < length; i++) sums[i] = sums[i]! + pixels[line + i]! * weight;
    }
    const to = y * length;
    for (let i = 0; i < length; i++) out[to + i] = sums[i]! >> FRACTION_BITS;
  }
  return out;
}
