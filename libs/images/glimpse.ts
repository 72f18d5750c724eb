import type { Size } from "./picture.ts";
import { MAX_PIXELS, readImage } from "./read-image.ts";

/** What an image looks like from far. */
export type Glimpse = {
  /** Of the whole image, as it is stored. */
  readonly size: Size;
  /** Two words of 32 bits: of 9 x 8 grey values, which are brighter than their right neighbours, row by row. */
  readonly hash: Uint32Array;
};

const COLUMNS = 8;
const ROWS = 8;

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
export function glimpseImage(bytes: Uint8Array): Promise<Glimpse> {
  return readImage(bytes, MAX_PIXELS, async (open) => {
    const image = open();
    const { width, height } = await image.metadata();
    const { data, info } = await image
      .flatten({ background: "#fff" })
      .greyscale()
      .resize(COLUMNS + 1, ROWS, { fit: "fill" })
      .raw({ depth: "uchar" })
      .toBuffer({ resolveWithObject: true });
    const hash = new Uint32Array(2);
    for (let bit = 0; bit < COLUMNS * ROWS; bit++) {
      const at = ((COLUMNS + 1) * (bit >> 3) + (bit & 7)) * info.channels;
      if (data[at]! > data[at + info.channels]!) hash[bit >> 5]! |= 1 << (bit & 31);
    }
    return { size: { width, height }, hash };
  });
}
