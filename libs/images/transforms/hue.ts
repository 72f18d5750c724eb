import type { Picture } from "../picture.ts";

/** Channels of the largest, the middle and the least number in each sixth of the circle; the seventh is the first. */
const PLACES = Uint8Array.of(0, 1, 2, 1, 0, 2, 1, 2, 0, 2, 1, 0, 2, 0, 1, 0, 2, 1, 0, 1, 2);

/**
 * Turns the hue of every pixel by so much of a circle: torchvision's adjust_hue of a PIL image, through hue, saturation and value of a byte
 * each, with Pillow's roundings. A picture of one channel has no hue and stays what it is.
 * @param factor from -0.5 to 0.5.
 */
export function adjustHue(picture: Picture, factor: number): Picture {
  const { channels, pixels } = picture;
  if (channels === 1) return picture;
  const turn = Math.trunc(factor * 255);
  const out = new Uint8Array(pixels.length);
  for (let i = 0; i < out.length; i += 3) {
    const red = pixels[i]!;
    const green = pixels[i + 1]!;
    const blue = pixels[i + 2]!;
    const most = Math.max(red, green, blue);
    const range = most - Math.min(red, green, blue);
    const saturation = range === 0 ? 0 : Math.trunc(Math.fround(range / most) * 255);
    if (saturation === 0) {
      out[i] = most;
      out[i + 1] = most;
      out[i + 2] = most;
      continue;
    }
    const hue = (hueOf(red, green, blue, most, range) + turn) & 255;
    const sixth = (hue * 6) / 255;
    const sector = Math.floor(sixth);
    const rest = Math.fround(sixth - sector);
    const share = Math.fround(saturation / 255);
    const low = round(most * (1 - share));
    // Falling in odd sectors, rising in even ones; only the former's product is of 32 bits.
    const between = round(most * (1 - (sector % 2 === 1 ? Math.fround(share * rest) : share * (1 - rest))));
    out[i + PLACES[sector * 3]!] = most;
    out[i + PLACES[sector * 3 + 1]!] = between;
    out[i + PLACES[sector * 3 + 2]!] = low;
  }
  return { ...picture, pixels: out };
}

/** 0 to 255. `range` is not 0. */
function hueOf(red: number, green: number, blue: number, most: number, range: number): number {
  const fromRed = Math.fround((most - red) / range);
  const fromGreen = Math.fround((most - green) / range);
  const fromBlue = Math.fround((most - blue) / range);
  let sixths: number;
  if (red === most) sixths = fromBlue - fromGreen;
  else if (green === most) sixths = 2 + fromRed - fromBlue;
  else sixths = 4 + fromGreen - fromRed;
  const turns = Math.fround(sixths) / 6 + 1;
  return Math.trunc(Math.fround(turns >= 1 ? turns - 1 : turns) * 255);
}

function round(x: number): number {
  return Math.floor(x + 0.5);
}
