import type { Picture } from "../picture.ts";

/** Red, green and blue parts of a grey of ITU-R 601-2, in 2^-16, as Pillow has them. */
const RED = 19595;
const GREEN = 38470;
const BLUE = 7471;

/** Each pixel's grey in all its channels. A picture of one channel stays what it is. */
export function grayscale(picture: Picture): Picture {
  if (picture.channels === 1) return picture;
  const out = new Uint8Array(picture.pixels.length);
  for (let i = 0; i < out.length; i += 3) {
    const grey = greyAt(picture.pixels, i);
    out[i] = grey;
    out[i + 1] = grey;
    out[i + 2] = grey;
  }
  return { ...picture, pixels: out };
}

/** Between black (0) and the picture (1), or beyond: torchvision's adjust_brightness of a PIL image. */
export function adjustBrightness(picture: Picture, factor: number): Picture {
  return blendWith(picture, 0, factor);
}

/** Between the mean grey of the picture (0) and the picture (1), or beyond: torchvision's adjust_contrast of a PIL image. */
export function adjustContrast(picture: Picture, factor: number): Picture {
  return blendWith(picture, meanGrey(picture), factor);
}

/** Between the grey picture (0) and the picture (1), or beyond: torchvision's adjust_saturation of a PIL image. */
export function adjustSaturation(picture: Picture, factor: number): Picture {
  const { channels, pixels } = picture;
  if (channels === 1 || factor === 1) return picture;
  const scaled = differences(factor);
  const out = new Uint8Array(pixels.length);
  for (let i = 0; i < out.length; i += 3) {
    const grey = greyAt(pixels, i);
    out[i] = toByte(grey + scaled[255 + pixels[i]! - grey]!);
    out[i + 1] = toByte(grey + scaled[255 + pixels[i + 1]! - grey]!);
    out[i + 2] = toByte(grey + scaled[255 + pixels[i + 2]! - grey]!);
  }
  return { ...picture, pixels: out };
}

/** A picture of one channel: the grey of each pixel. */
export function greyOf(picture: Picture): Picture {
  const { width, height, pixels } = picture;
  if (picture.channels === 1) return picture;
  const out = new Uint8Array(width * height);
  for (let i = 0; i < out.length; i++) out[i] = greyAt(pixels, i * 3);
  return { width, height, channels: 1, pixels: out };
}

/** A picture of three channels: those that there are, or the grey three times. */
export function rgbOf(picture: Picture): Picture {
  const { width, height, pixels } = picture;
  if (picture.channels === 3) return picture;
  const out = new Uint8Array(pixels.length * 3);
  for (let i = 0; i < pixels.length; i++) out.fill(pixels[i]!, i * 3, i * 3 + 3);
  return { width, height, channels: 3, pixels: out };
}

function greyAt(pixels: Uint8Array, i: number): number {
  return (pixels[i]! * RED + pixels[i + 1]! * GREEN + pixels[i + 2]! * BLUE + 0x8000) >> 16;
}

function meanGrey({ channels, pixels }: Picture): number {
  let sum = 0;
  if (channels === 1) for (const grey of pixels) sum += grey;
  else for (let i = 0; i < pixels.length; i += 3) sum += greyAt(pixels, i);
  return Math.floor((sum * channels) / pixels.length + 0.5);
}

/** base + factor · (x - base) for every byte x of a picture. */
function blendWith(picture: Picture, base: number, factor: number): Picture {
  if (factor === 1) return picture;
  const scaled = differences(factor);
  const table = Uint8Array.from({ length: 256 }, (_, x) => toByte(base + scaled[255 + x - base]!));
  const out = new Uint8Array(picture.pixels.length);
  for (let i = 0; i < out.length; i++) out[i] = table[picture.pixels[i]!]!;
  return { ...picture, pixels: out };
}

/** factor · d for d from -255 to 255, in 32 bits as Pillow's blend computes. */
function differences(factor: number): Float32Array {
  const factor32 = Math.fround(factor);
  return Float32Array.from({ length: 511 }, (_, i) => factor32 * (i - 255));
}

/** The whole part of a number in 32 bits, cut to a byte. */
function toByte(value: number): number {
  const value32 = Math.fround(value);
  return value32 <= 0 ? 0 : value32 >= 255 ? 255 : value32 | 0;
}
