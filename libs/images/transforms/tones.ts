import type { Picture } from "../picture.ts";
import { inKernels } from "./own-kernels.ts";

/** Each pixel's grey in all its channels. A picture of one channel stays what it is. */
export function grayscale(picture: Picture): Picture {
  return adjustSaturation(picture, 0);
}

/** Between black (0) and the picture (1), or beyond: torchvision's adjust_brightness of a PIL image. */
export function adjustBrightness(picture: Picture, factor: number): Picture {
  return inKernels(picture, (kernels, address, bytes) => kernels.blendBytes(address, bytes, 0, factor));
}

/** Between the mean grey of the picture (0) and the picture (1), or beyond: torchvision's adjust_contrast of a PIL image. */
export function adjustContrast(picture: Picture, factor: number): Picture {
  const { channels, width, height } = picture;
  const pixels = width * height;
  return inKernels(picture, (kernels, address, bytes) => {
    const sum = channels === 1 ? picture.pixels.reduce((sum, grey) => sum + grey, 0) : kernels.sumGreys(address, pixels);
    kernels.blendBytes(address, bytes, Math.floor(sum / pixels + 0.5), factor);
  });
}

/** Between the grey picture (0) and the picture (1), or beyond: torchvision's adjust_saturation of a PIL image. */
export function adjustSaturation(picture: Picture, factor: number): Picture {
  if (picture.channels === 1) return picture;
  return inKernels(picture, (kernels, address, bytes) => kernels.saturate(address, bytes / 3, factor));
}

/** A picture of one channel: the grey of each pixel. */
export function greyOf(picture: Picture): Picture {
  if (picture.channels === 1) return picture;
  const { width, height, pixels } = picture;
  const out = new Uint8Array(width * height);
  // The kernels have it, too, but their memory keeps the size of the largest picture.
  for (let i = 0, from = 0; i < out.length; i++, from += 3)
    out[i] = (pixels[from]! * 19595 + pixels[from + 1]! * 38470 + pixels[from + 2]! * 7471 + 0x8000) >> 16;
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
