import type { Sharp } from "sharp";
import { excerpt, quote } from "#libs/text";
import { ImageError } from "./errors.ts";
import { formatOf, type ImageFormat, lacksEnd } from "./format.ts";

/** Most pixels of an image that is read: 300 MB of numbers. */
export const MAX_PIXELS = 100_000_000;

/**
 * Reads an image in some way, or says why it cannot be read.
 * @param read gets what opens the image, as often as it is called
 * @throws ImageError
 */
export async function readImage<T>(
  bytes: Uint8Array,
  maxPixels: number,
  read: (open: () => Sharp, format: ImageFormat) => Promise<T>,
): Promise<T> {
  if (bytes.length === 0) throw new ImageError("empty-file", "the file is empty");
  const format = formatOf(bytes);
  if (format === undefined)
    throw new ImageError("not-an-image", `no JPEG, PNG, WebP, GIF, TIFF or AVIF: the file begins with ${beginningOf(bytes)}`);
  const sharp = await loadSharp();
  const open = (limit: number | false) =>
    sharp(bytes, { failOn: "error", limitInputPixels: limit, ignoreIcc: true, autoOrient: true, sequentialRead: true });
  try {
    return await read(() => open(maxPixels), format);
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

type Module = typeof import("sharp")["default"];
let loaded: Promise<Module> | undefined;

/** It is large, and few programs that load this read an image. */
function loadSharp(): Promise<Module> {
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
