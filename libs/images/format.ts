/** The formats of images that are read. */
export type ImageFormat = "JPEG" | "PNG" | "WebP" | "GIF" | "TIFF" | "AVIF";

const MAX_HEADER = 1 << 20;

/**
 * The format of a file by its first bytes, whatever its name is; undefined where it is none of those that are read.
 * @example
 * ```ts
 * formatOf(new TextEncoder().encode("GIF89a…")); // "GIF"
 * formatOf(new TextEncoder().encode("<svg/>")); // undefined
 * ```
 */
export function formatOf(bytes: Uint8Array): ImageFormat | undefined {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 64)).toString("latin1");
  if (head.startsWith("\xff\xd8\xff")) return "JPEG";
  if (head.startsWith("\x89PNG\r\n\x1a\n")) return "PNG";
  if (/^RIFF[\s\S]{4}WEBP/.test(head)) return "WebP";
  if (/^GIF8[79]a/.test(head)) return "GIF";
  if (/^(?:II\*\0|MM\0\*)/.test(head)) return "TIFF";
  // One of the brands of an ISO base media file.
  if (/^[\s\S]{4}ftyp[\s\S]*avi[fs]/.test(head)) return "AVIF";
  return undefined;
}

/** Whether a file that cannot be read lacks its end. TIFF and AVIF files have nothing there that would say so. */
export function lacksEnd(format: ImageFormat, bytes: Uint8Array): boolean {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  switch (format) {
    case "JPEG":
      // A small picture within the header has an end of its own.
      return buffer.lastIndexOf("\xff\xd9", undefined, "latin1") < (jpegFrame(bytes)?.offset ?? bytes.length);
    case "PNG":
      return !buffer.includes("IEND", 8, "latin1");
    case "WebP":
      return bytes.length < 12 || buffer.readUInt32LE(4) + 8 > bytes.length;
    case "GIF":
      return bytes.at(-1) !== 0x3b;
    default:
      return false;
  }
}

/**
 * Where the frame header of a JPEG begins and how many components it has: 1 is grey, 3 YCbCr or RGB, 4 CMYK or YCCK.
 * Source: ISO 10918-1, B.1.1.4 and B.2.2.
 */
export function jpegFrame(bytes: Uint8Array): { readonly offset: number; readonly components: number } | undefined {
  const end = Math.min(bytes.length, MAX_HEADER) - 9;
  let at = 2;
  while (at < end) {
    const marker = bytes[at + 1]!;
    // Markers may have any number of 0xff before them.
    if (bytes[at] !== 0xff) return undefined;
    if (marker === 0xff) {
      at++;
      continue;
    }
    const isFrame = marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
    if (isFrame) return { offset: at, components: bytes[at + 9]! };
    at += 2 + bytes[at + 2]! * 256 + bytes[at + 3]!;
  }
  return undefined;
}
