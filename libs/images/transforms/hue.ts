import type { Picture } from "../picture.ts";
import { freshKernels } from "./own-kernels.ts";

/**
 * Turns the hue of every pixel by so much of a circle: torchvision's adjust_hue of a PIL image, through hue, saturation and value of a byte
 * each, with Pillow's roundings. A picture of one channel has no hue and stays what it is.
 * @param factor from -0.5 to 0.5.
 */
export function adjustHue(picture: Picture, factor: number): Picture {
  const { channels, pixels } = picture;
  if (channels === 1) return picture;
  const kernels = freshKernels();
  const address = kernels.allocate(pixels.length);
  kernels.bytes(address, pixels.length).set(pixels);
  kernels.turnHue(address, pixels.length / 3, Math.trunc(factor * 255));
  return { ...picture, pixels: kernels.bytes(address, pixels.length).slice() };
}
