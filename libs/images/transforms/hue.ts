import type { Picture } from "../picture.ts";
import { inKernels } from "./own-kernels.ts";

/**
 * Turns the hue of every pixel by so much of a circle: torchvision's adjust_hue of a PIL image, through hue, saturation and value of a byte
 * each, with Pillow's roundings. A picture of one channel has no hue and stays what it is.
 * @param factor from -0.5 to 0.5.
 */
export function adjustHue(picture: Picture, factor: number): Picture {
  if (picture.channels === 1) return picture;
  return inKernels(picture, (kernels, address, bytes) => kernels.turnHue(address, bytes / 3, Math.trunc(factor * 255)));
}
