import { formatOf, type ImageFormat, jpegFrame } from "./format.ts";
import type { Picture } from "./picture.ts";
import { MAX_PIXELS, readImage } from "./read-image.ts";
import { readSmallPng } from "./small-png.ts";
import { greyOf, rgbOf } from "./transforms/tones.ts";

export type DecodeOptions = {
  /** 1 gives grey, 3 red, green and blue. */
  readonly channels: 1 | 3;
  /** MAX_PIXELS where it is left out. */
  readonly maxPixels?: number;
};

/**
 * Reads an image: JPEG, PNG, WebP, GIF (its first frame), TIFF or AVIF. The pixels are Pillow's `exif_transpose(open(file)).convert("RGB")`, or "L":
 * turned as EXIF says, colour profiles ignored, transparency dropped with the colours below it kept, 16 bits cut to the upper 8.
 * Throws ImageError.
 * @example
 * ```ts
 * const gif = Buffer.from("R0lGODlhAQABAIABAP8AAAAA/yH5BAAAAAAALAAAAAABAAEAAAICRAEAOw==", "base64");
 * await decodeImage(gif, { channels: 3 }); // { width: 1, height: 1, channels: 3, pixels: Uint8Array.of(255, 0, 0) }
 * ```
 */
export async function decodeImage(bytes: Uint8Array, { channels, maxPixels = MAX_PIXELS }: DecodeOptions): Promise<Picture> {
  const small = formatOf(bytes) === "PNG" ? readSmallPng(bytes) : undefined;
  const picture = small && small.width * small.height <= maxPixels ? small : await decodeRgb(bytes, maxPixels);
  return channels === 3 ? rgbOf(picture) : greyOf(picture);
}

async function decodeRgb(bytes: Uint8Array, maxPixels: number): Promise<Picture> {
  const { data, info } = await readImage(bytes, maxPixels, async (open, format) => {
    const image = open();
    const inRgb = () => image.toColourspace("srgb").removeAlpha();
    const inInks = () => image.pipelineColourspace("cmyk").toColourspace("cmyk");
    const hasInks = await isCmyk(bytes, format, () => open().metadata());
    const read = await (hasInks ? inInks() : inRgb()).raw({ depth: "uchar" }).toBuffer({ resolveWithObject: true });
    return { ...read, data: hasInks ? fromCmyk(read.data) : read.data };
  });
  return { width: info.width, height: info.height, channels: 3, pixels: new Uint8Array(data.buffer, data.byteOffset, data.length) };
}

async function isCmyk(bytes: Uint8Array, format: ImageFormat, metadata: () => Promise<{ readonly space: string }>): Promise<boolean> {
  if (format === "JPEG") return jpegFrame(bytes)?.components === 4;
  return format === "TIFF" && (await metadata()).space === "cmyk";
}

/** Pillow's colours of printing inks, four bytes a pixel: what each ink leaves of what black leaves. */
function fromCmyk(inks: Uint8Array): Uint8Array {
  const out = new Uint8Array((inks.length / 4) * 3);
  for (let from = 0, to = 0; from < inks.length; from += 4) {
    const light = 255 - inks[from + 3]!;
    for (let ink = 0; ink < 3; ink++) {
      const product = inks[from + ink]! * light + 128;
      out[to++] = Math.max(0, light - (((product >> 8) + product) >> 8));
    }
  }
  return out;
}
