import { excerpt, quote } from "#libs/text";
import { ImageError } from "./errors.ts";
import { formatOf, type ImageFormat, jpegFrame, lacksEnd } from "./format.ts";
import type { Picture } from "./picture.ts";
import { greyOf } from "./transforms/tones.ts";

/** Most pixels of an image that is read: 300 MB of numbers. */
export const MAX_PIXELS = 100_000_000;

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
  if (bytes.length === 0) throw new ImageError("empty-file", "the file is empty");
  const format = formatOf(bytes);
  if (format === undefined)
    throw new ImageError("not-an-image", `no JPEG, PNG, WebP, GIF, TIFF or AVIF: the file begins with ${beginningOf(bytes)}`);
  const rgb = await decodeRgb(bytes, format, maxPixels);
  return channels === 3 ? rgb : greyOf(rgb);
}

async function decodeRgb(bytes: Uint8Array, format: ImageFormat, maxPixels: number): Promise<Picture> {
  const sharp = await loadSharp();
  const open = (limit: number | false) =>
    sharp(bytes, { failOn: "error", limitInputPixels: limit, ignoreIcc: true, autoOrient: true, sequentialRead: true });
  try {
    if (await isCmyk(bytes, format, () => open(maxPixels).metadata())) {
      const { data, info } = await open(maxPixels)
        .pipelineColourspace("cmyk")
        .toColourspace("cmyk")
        .raw({ depth: "uchar" })
        .toBuffer({ resolveWithObject: true });
      return { width: info.width, height: info.height, channels: 3, pixels: fromCmyk(data) };
    }
    const { data, info } = await open(maxPixels)
      .toColourspace("srgb")
      .removeAlpha()
      .raw({ depth: "uchar" })
      .toBuffer({ resolveWithObject: true });
    return { width: info.width, height: info.height, channels: 3, pixels: new Uint8Array(data.buffer, data.byteOffset, data.length) };
  } catch (error) {
    const size = await open(false)
      .metadata()
      .catch(() => undefined);
    if (size !== undefined && size.width * size.height > maxPixels) {
      const message = `${size.width} x ${size.height} pixels: images of more than ${maxPixels.toLocaleString("en-US")} are not read`;
      throw new ImageError("too-many-pixels", message, { cause: error });
    }
    if (lacksEnd(format, bytes)) throw new ImageError("cut-short", `the ${format} file is cut short`, { cause: error });
    throw new ImageError("unreadable", `the ${format} file cannot be read: ${reason(error)}`, { cause: error });
  }
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

type Sharp = typeof import("sharp")["default"];
let loaded: Promise<Sharp> | undefined;

/** It is large, and few programs that load this read an image. */
function loadSharp(): Promise<Sharp> {
  loaded ??= import("sharp").then(({ default: sharp }) => {
    // Threads read one image each; nothing is read twice.
    sharp.concurrency(1);
    sharp.cache(false);
    return sharp;
  });
  return loaded;
}

function beginningOf(bytes: Uint8Array): string {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 16)).toString("latin1");
  return quote(text);
}

/** The first line of what libvips says, which may have several. */
function reason(error: unknown): string {
  return excerpt((error as Error).message.split("\n")[0] ?? "");
}
