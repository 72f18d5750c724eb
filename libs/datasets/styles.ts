import { cos, sin, uniform } from "#libs/deterministic";
import type { StyleName } from "#libs/recipes";
import { FEATURES, SIDE } from "./dataset.ts";

const STYLES: Readonly<Record<StyleName, (image: Float32Array, seed: number) => void>> = {
  plain,
  blur,
  low,
  noise,
  occlusion,
  gradient,
  thick,
  outline,
  thin,
};

/** Alters one image in place. `seed` is that of this image in its style; the styles that use chance draw from it. */
export function applyStyle(name: StyleName, image: Float32Array, seed: number): void {
  STYLES[name](image, seed);
}

const OCCLUSION_SIDE = 6;
// The first eight numbers of an image's seed are for the parameters of a style, the noise of pixel p is number 8 + p.
const NOISE_OFFSET = 8;

function plain(): void {}

/** 0.7 · box(box(x)): the mean of 3 × 3 pixels, twice. */
function blur(image: Float32Array): void {
  const once = box(image, new Float64Array(FEATURES));
  const twice = box(once, new Float64Array(FEATURES));
  for (let p = 0; p < FEATURES; p++) image[p] = 0.7 * twice[p]!;
}

/** 0.35 + 0.3 x: low contrast. */
function low(image: Float32Array): void {
  for (let p = 0; p < FEATURES; p++) image[p] = 0.35 + 0.3 * image[p]!;
}

/** clamp(0.8 x + 0.6 (v − 0.5) + 0.1), a fresh v for every pixel. */
function noise(image: Float32Array, seed: number): void {
  for (let p = 0; p < FEATURES; p++) image[p] = clamp(0.8 * image[p]! + 0.6 * (uniform(seed, NOISE_OFFSET + p) - 0.5) + 0.1);
}

/** A grey square of 6 × 6 at a random place. */
function occlusion(image: Float32Array, seed: number): void {
  const places = SIDE - OCCLUSION_SIDE + 1;
  const top = Math.floor(places * uniform(seed, 0));
  const left = Math.floor(places * uniform(seed, 1));
  const grey = uniform(seed, 2);
  for (let row = top; row < top + OCCLUSION_SIDE; row++) image.fill(grey, row * SIDE + left, row * SIDE + left + OCCLUSION_SIDE);
}

/** |x − 0.8 g| with a ramp g of random direction, 0 to 1 across the image: light ground and dark ink on one side. */
function gradient(image: Float32Array, seed: number): void {
  const angle = 2 * Math.PI * uniform(seed, 0);
  const cosine = cos(angle);
  const sine = sin(angle);
  for (let row = 0, p = 0; row < SIDE; row++) {
    for (let column = 0; column < SIDE; column++, p++) {
      const ramp = 0.5 + (0.5 * (cosine * (column + 0.5 - 8) + sine * (row + 0.5 - 8))) / 11.3;
      image[p] = Math.abs(image[p]! - 0.8 * ramp);
    }
  }
}

/** The maximum of 3 × 3 pixels. */
function thick(image: Float32Array): void {
  image.set(largest(image));
}

/** clamp(maximum of 3 × 3 − x): the outer contour. */
function outline(image: Float32Array): void {
  const around = largest(image);
  for (let p = 0; p < FEATURES; p++) image[p] = clamp(around[p]! - image[p]!);
}

/** clamp(2 (x − mean of 3 × 3)): the ridge of the strokes. */
function thin(image: Float32Array): void {
  const mean = box(image, new Float64Array(FEATURES));
  for (let p = 0; p < FEATURES; p++) image[p] = clamp(2 * (image[p]! - mean[p]!));
}

/** Mean of 3 × 3 pixels; beyond the border the border's pixel counts. */
function box(image: ArrayLike<number>, out: Float64Array): Float64Array {
  overWindows((p, a, b, c, d, e, f, g, h, i) => {
    out[p] = (image[a]! + image[b]! + image[c]! + image[d]! + image[e]! + image[f]! + image[g]! + image[h]! + image[i]!) / 9;
  });
  return out;
}

/** Maximum of 3 × 3 pixels. */
function largest(image: Float32Array): Float32Array {
  const out = new Float32Array(FEATURES);
  overWindows((p, a, b, c, d, e, f, g, h, i) => {
    out[p] = Math.max(image[a]!, image[b]!, image[c]!, image[d]!, image[e]!, image[f]!, image[g]!, image[h]!, image[i]!);
  });
  return out;
}

type Window = (p: number, a: number, b: number, c: number, d: number, e: number, f: number, g: number, h: number, i: number) => void;

/** Calls `visit` with each pixel and the nine of its window, row by row. */
function overWindows(visit: Window): void {
  for (let row = 0, p = 0; row < SIDE; row++) {
    const above = Math.max(row - 1, 0) * SIDE;
    const here = row * SIDE;
    const below = Math.min(row + 1, SIDE - 1) * SIDE;
    for (let column = 0; column < SIDE; column++, p++) {
      const left = Math.max(column - 1, 0);
      const right = Math.min(column + 1, SIDE - 1);
      visit(p, above + left, above + column, above + right, here + left, p, here + right, below + left, below + column, below + right);
    }
  }
}

function clamp(value: number): number {
  return Math.min(1, Math.max(0, value));
}
