import { sin } from "#libs/deterministic";
import type { Size } from "./picture.ts";

/** Of the kernel on each side, in pixels of what comes out. */
const LOBES = 3;

/** Pixels that the kernel makes one of, in each direction, where there are more of them. */
const BOXES = 4;

/** Grey values, rows from the top. */
export type Greys = Size & {
  /** height · width numbers of 0 to 255. */
  readonly values: Float32Array | Uint8Array;
  /** The part of them that is the picture: their last row and column may lie beyond it in part. */
  readonly extent: Size;
};

/**
 * What a grey picture looks like from far: made smaller by Lanczos' kernel, as libvips does it but for rounding.
 * @param to no larger than the picture
 * @returns to.height · to.width bytes
 */
export function fromFar(greys: Greys, to: Size): Uint8ClampedArray {
  const { width, height, values, extent } = inBoxes(greys, to);
  const lines = new Float32Array(width * to.height);
  for (const [y, { begin, weights }] of windows(height, extent.height, to.height).entries()) {
    for (const [i, weight] of weights.entries()) {
      const from = (begin + i) * width;
      for (let x = 0; x < width; x++) lines[y * width + x]! += weight * values[from + x]!;
    }
  }
  const out = new Uint8ClampedArray(to.width * to.height);
  for (const [x, { begin, weights }] of windows(width, extent.width, to.width).entries()) {
    for (let y = 0; y < to.height; y++) {
      let sum = 0;
      for (let i = 0; i < weights.length; i++) sum += weights[i]! * lines[y * width + begin + i]!;
      out[y * to.width + x] = sum;
    }
  }
  return out;
}

/** The means of boxes, as many of which make a pixel as libvips leaves to the kernel. */
function inBoxes(greys: Greys, to: Size): Greys {
  const across = Math.floor(greys.extent.width / to.width / BOXES);
  const down = Math.floor(greys.extent.height / to.height / BOXES);
  if (across < 2 && down < 2) return greys;
  const [w, h] = [Math.max(1, across), Math.max(1, down)];
  const [width, height] = [Math.ceil(greys.width / w), Math.ceil(greys.height / h)];
  const values = new Float32Array(width * height);
  for (let y = 0; y < height * h; y++) {
    const from = Math.min(y, greys.height - 1) * greys.width;
    const into = Math.floor(y / h) * width;
    for (let x = 0; x < width * w; x++) values[into + Math.floor(x / w)]! += greys.values[from + Math.min(x, greys.width - 1)]!;
  }
  const extent = { width: greys.extent.width / w, height: greys.extent.height / h };
  return { width, height, values: values.map((sum) => sum / (w * h)), extent };
}

/** Which of `from` pixels each of `to` is made of, all of which have the length `extent`. Beyond the edge is the pixel at the edge. */
function windows(from: number, extent: number, to: number): { readonly begin: number; readonly weights: Float64Array }[] {
  const scale = extent / to;
  return Array.from({ length: to }, (_, i) => {
    const centre = (i + 0.5) * scale - 0.5;
    const [low, high] = [Math.ceil(centre - LOBES * scale), Math.floor(centre + LOBES * scale)];
    const begin = Math.max(0, low);
    const weights = new Float64Array(Math.min(from - 1, high) - begin + 1);
    let sum = 0;
    for (let j = low; j <= high; j++) {
      const weight = lanczos((j - centre) / scale);
      weights[Math.min(from - 1, Math.max(0, j)) - begin]! += weight;
      sum += weight;
    }
    return { begin, weights: weights.map((weight) => weight / sum) };
  });
}

/** Places between two pixels of what comes out, at which the kernel is known. */
const PLACES = 512;
/** Made for the first picture: most processes that load this have none. */
let kernel: Float64Array | undefined;

/** Source: Duchon 1979, Lanczos filtering in one and two dimensions. */
function makeKernel(): Float64Array {
  return Float64Array.from({ length: LOBES * PLACES }, (_, i) => (i === 0 ? 1 : sinc(i / PLACES) * sinc(i / PLACES / LOBES)));
}

function lanczos(x: number): number {
  kernel ??= makeKernel();
  return kernel[Math.round(Math.abs(x) * PLACES)] ?? 0;
}

function sinc(x: number): number {
  return sin(Math.PI * x) / (Math.PI * x);
}
