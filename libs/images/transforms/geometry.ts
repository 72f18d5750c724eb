import type { Picture, Size } from "../picture.ts";

/** The picture seen in a mirror: left and right change places. */
export function flip({ width, height, channels, pixels }: Picture): Picture {
  const out = new Uint8Array(pixels.length);
  const lineBytes = width * channels;
  for (let line = 0; line < pixels.length; line += lineBytes) {
    let to = line + lineBytes;
    for (let from = line; from < line + lineBytes; from += channels) {
      to -= channels;
      out[to] = pixels[from]!;
      for (let channel = 1; channel < channels; channel++) out[to + channel] = pixels[from + channel]!;
    }
  }
  return { width, height, channels, pixels: out };
}

/**
 * The middle of a picture, black around it where the picture is smaller. Halves of a pixel go to the even side, as torchvision's do; half a
 * pixel of what is missing is added on the right and at the bottom.
 */
export function centerCrop(picture: Picture, { width, height }: Size): Picture {
  const { channels, pixels } = picture;
  const out = new Uint8Array(height * width * channels);
  const top = begin(picture.height, height);
  const left = begin(picture.width, width);
  const copied = Math.min(picture.width, width) * channels;
  for (let y = Math.max(0, -top); y < height && top + y < picture.height; y++) {
    const from = ((top + y) * picture.width + Math.max(0, left)) * channels;
    out.set(pixels.subarray(from, from + copied), (y * width + Math.max(0, -left)) * channels);
  }
  return { width, height, channels, pixels: out };
}

/** Where the crop begins on a line of so many pixels; negative where it is longer than the line. */
function begin(length: number, crop: number): number {
  if (crop >= length) return -Math.floor((crop - length) / 2);
  const half = Math.floor((length - crop) / 2);
  const isHalf = (length - crop) % 2 === 1;
  return isHalf && half % 2 === 1 ? half + 1 : half;
}
