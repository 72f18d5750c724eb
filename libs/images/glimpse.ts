import { fromFar, type Greys } from "./far.ts";
import { formatOf } from "./format.ts";
import { readEighth } from "./jpeg/eighth.ts";
import type { Size } from "./picture.ts";
import { MAX_PIXELS, readImage } from "./read-image.ts";
import { isOpaquePng, readSmallPng } from "./small-png.ts";
import { greyOf } from "./transforms/tones.ts";

/** What an image looks like from far. */
export type Glimpse = {
  /** Of the whole image, as it is stored. */
  readonly size: Size;
  /** Two words of 32 bits: of 9 x 8 grey values, which are brighter than their right neighbours, row by row. */
  readonly hash: Uint32Array;
};

const COLUMNS = 8;
const ROWS = 8;
const FAR = { width: COLUMNS + 1, height: ROWS };

/**
 * Looks at an image: all of its data are read, so that what is damaged is found, but no more pixels are made than are needed. The hash of
 * one picture in several sizes, formats and qualities is nearly the same (difference hash). It may differ by a bit between versions of
 * decoders: it is for people, and for nothing that has a digest.
 * Throws ImageError.
 * @example
 * ```ts
 * const gif = Buffer.from("R0lGODlhAQABAIABAP8AAAAA/yH5BAAAAAAALAAAAAABAAEAAAICRAEAOw==", "base64");
 * await glimpseImage(gif); // { size: { width: 1, height: 1 }, hash: Uint32Array.of(0, 0) }
 * ```
 */
export async function glimpseImage(bytes: Uint8Array): Promise<Glimpse> {
  return glimpseOf(readWithout(bytes)) ?? glimpseByLibvips(bytes);
}

type Read = { readonly size: Size; readonly greys: Greys };

/** What can be read without libvips, which takes some time to begin: most JPEGs, and small PNGs without alpha. */
function readWithout(bytes: Uint8Array): Read | undefined {
  const format = formatOf(bytes);
  if (format === "JPEG") {
    const read = readEighth(bytes);
    return read && { size: read.size, greys: read.eighth };
  }
  const picture = format === "PNG" && isOpaquePng(bytes) ? readSmallPng(bytes) : undefined;
  if (picture === undefined) return undefined;
  const size = { width: picture.width, height: picture.height };
  return { size, greys: { ...size, values: greyOf(picture).pixels, extent: size } };
}

/** Undefined where there are fewer pixels than are looked at, or more than are read. */
function glimpseOf(read: Read | undefined): Glimpse | undefined {
  if (read === undefined) return undefined;
  const { size, greys } = read;
  if (greys.extent.width < COLUMNS + 1 || greys.extent.height < ROWS || size.width * size.height > MAX_PIXELS) return undefined;
  return { size, hash: hashOf(fromFar(greys, FAR)) };
}

function glimpseByLibvips(bytes: Uint8Array): Promise<Glimpse> {
  return readImage(bytes, MAX_PIXELS, async (open) => {
    const image = open();
    const { width, height } = await image.metadata();
    const { data, info } = await image
      .flatten({ background: "#fff" })
      // Where this is said, JPEGs are not made smaller while they are read, which would move them by some pixels.
      .pipelineColourspace("srgb")
      .toColourspace("srgb")
      .resize(FAR.width, FAR.height, { fit: "fill" })
      .raw({ depth: "uchar" })
      .toBuffer({ resolveWithObject: true });
    const pixels = info.channels === 3 ? data : data.filter((_, i) => i % info.channels === 0);
    return { size: { width, height }, hash: hashOf(greyOf({ ...FAR, channels: info.channels === 3 ? 3 : 1, pixels }).pixels) };
  });
}

/** @param grey of FAR */
function hashOf(grey: Uint8Array | Uint8ClampedArray): Uint32Array {
  const hash = new Uint32Array(2);
  for (let bit = 0; bit < COLUMNS * ROWS; bit++) {
    const at = FAR.width * (bit >> 3) + (bit & 7);
    if (grey[at]! > grey[at + 1]!) hash[bit >> 5]! |= 1 << (bit & 31);
  }
  return hash;
}
