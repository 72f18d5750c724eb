import { crc32, inflateSync } from "node:zlib";
import type { Picture } from "./picture.ts";

/** Larger ones take libvips less time. */
const MOST_PIXELS = 128 * 128;

const SIGNATURE_BYTES = 8;
const HEADER = 0x49484452;
const DATA = 0x49444154;
const END = 0x49454e44;

/** Chunks that change what the pixels are: a palette, a transparent colour, an orientation, an animation. */
const LEFT_TO_OTHERS = new Set([0x504c5445, 0x74524e53, 0x65584966, 0x6163544c]);

/** Bytes of a pixel by colour type: grey, colours, both with alpha. */
const PIXEL_BYTES: { readonly [type: number]: number } = { 0: 1, 2: 3, 4: 2, 6: 4 };

type Header = { readonly width: number; readonly height: number; readonly pixelBytes: number };

/**
 * Reads a PNG as small as those of digits and symbols, a tenth of the time that it takes libvips to begin: of 8 bits a channel, without
 * palette, not interlaced. Its alpha is dropped. Undefined for any other, and for one that is damaged: who reads that says why.
 * Source: PNG, third edition, W3C 2025.
 */
export function readSmallPng(bytes: Uint8Array): Picture | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let header: Header | undefined;
  const data: Uint8Array[] = [];
  for (let at = SIGNATURE_BYTES; at + 12 <= bytes.length; ) {
    const length = view.getUint32(at);
    const type = view.getUint32(at + 4);
    const end = at + 8 + length;
    if (end + 4 > bytes.length || view.getUint32(end) !== crc32(bytes.subarray(at + 4, end))) return undefined;
    if (type === HEADER) header = readHeader(view, at + 8, length);
    if (header === undefined || LEFT_TO_OTHERS.has(type)) return undefined;
    if (type === DATA) data.push(bytes.subarray(at + 8, end));
    if (type === END) return pixelsOf(header, data);
    at = end + 4;
  }
  return undefined;
}

/** Whether the header of a PNG says that it has no alpha. */
export function isOpaquePng(bytes: Uint8Array): boolean {
  return bytes[25] === 0 || bytes[25] === 2;
}

function readHeader(view: DataView, at: number, length: number): Header | undefined {
  if (length !== 13) return undefined;
  const [width, height] = [view.getUint32(at), view.getUint32(at + 4)];
  const pixelBytes = PIXEL_BYTES[view.getUint8(at + 9)];
  const isPlain =
    view.getUint8(at + 8) === 8 && view.getUint8(at + 10) === 0 && view.getUint8(at + 11) === 0 && view.getUint8(at + 12) === 0;
  if (!isPlain || pixelBytes === undefined || width * height < 1 || width * height > MOST_PIXELS) return undefined;
  return { width, height, pixelBytes };
}

function pixelsOf({ width, height, pixelBytes }: Header, data: readonly Uint8Array[]): Picture | undefined {
  const lineBytes = width * pixelBytes;
  const lines = inflate(data, height * (lineBytes + 1));
  if (lines === undefined || !unfilter(lines, lineBytes, pixelBytes)) return undefined;
  const channels = pixelBytes < 3 ? 1 : 3;
  const pixels = new Uint8Array(width * height * channels);
  let to = 0;
  for (let line = 1; line < lines.length; line += lineBytes + 1) {
    for (let from = line; from < line + lineBytes; from += pixelBytes) {
      for (let channel = 0; channel < channels; channel++) pixels[to++] = lines[from + channel]!;
    }
  }
  return { width, height, channels, pixels };
}

/** So many bytes; undefined where there are more or fewer, or none. */
function inflate(data: readonly Uint8Array[], length: number): Uint8Array | undefined {
  try {
    const lines = inflateSync(data.length === 1 ? data[0]! : Buffer.concat(data), { maxOutputLength: length });
    return lines.length === length ? lines : undefined;
  } catch {
    return undefined;
  }
}

/** Undoes the filters of all lines, in place. Each begins with the number of its filter. False where that is none. */
function unfilter(lines: Uint8Array, lineBytes: number, pixelBytes: number): boolean {
  for (let line = 0; line < lines.length; line += lineBytes + 1) {
    const filter = lines[line]!;
    if (filter > 4) return false;
    for (let i = 1; filter > 0 && i <= lineBytes; i++) {
      const left = i > pixelBytes ? lines[line + i - pixelBytes]! : 0;
      const up = line > 0 ? lines[line + i - lineBytes - 1]! : 0;
      const upLeft = line > 0 && i > pixelBytes ? lines[line + i - lineBytes - 1 - pixelBytes]! : 0;
      lines[line + i] = lines[line + i]! + predict(filter, left, up, upLeft);
    }
  }
  return true;
}

function predict(filter: number, left: number, up: number, upLeft: number): number {
  if (filter === 1) return left;
  if (filter === 2) return up;
  if (filter === 3) return (left + up) >> 1;
  // Paeth's: the neighbour that is nearest to left + up - upLeft.
  const [a, b, c] = [Math.abs(up - upLeft), Math.abs(left - upLeft), Math.abs(left + up - 2 * upLeft)];
  if (a <= b && a <= c) return left;
  return b <= c ? up : upLeft;
}
