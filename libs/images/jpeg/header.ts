import type { Size } from "../picture.ts";
import { type HuffmanTable, huffmanTable } from "./huffman.ts";
import { isUpright } from "./upright.ts";

/** libjpeg has no larger ones. */
const MOST_SIDE = 65_500;
const MARKER = { tables: 0xc4, baseline: 0xc0, extended: 0xc1, quantization: 0xdb, interval: 0xdd, scan: 0xda, comment: 0xfe } as const;
const APP = { first: 0xe0, exif: 0xe1, profile: 0xe2, adobe: 0xee, last: 0xef } as const;

/** How a component of a picture is sampled and quantised. */
export type Component = { readonly id: number; readonly across: number; readonly down: number; readonly quantization: number };
export type Frame = Size & { readonly components: readonly Component[] };

/** What comes before the data of a JPEG. */
export type Header = {
  readonly frame: Frame;
  /** Units between two restart markers; 0 without any. */
  readonly interval: number;
  /** By number, the step of the first coefficient. */
  readonly steps: ReadonlyMap<number, number>;
  readonly dc: ReadonlyMap<number, HuffmanTable>;
  readonly ac: ReadonlyMap<number, HuffmanTable>;
  /** The segment that begins the scan, and where its data begin. */
  readonly scan: Uint8Array;
  readonly end: number;
};

type Found = {
  frame: Frame | undefined;
  interval: number;
  steps: Map<number, number>;
  dc: Map<number, HuffmanTable>;
  ac: Map<number, HuffmanTable>;
};

/**
 * Reads the header of a JPEG: sequential, of 8 bits, grey or of three colours, upright. Undefined for any other, for one that is unusual, and for
 * one that is damaged. Source: ISO 10918-1, annex B.
 */
export function readHeader(bytes: Uint8Array): Header | undefined {
  if (bytes[0] !== 0xff || bytes[1] !== 0xd8) return undefined;
  const found: Found = { frame: undefined, interval: 0, steps: new Map(), dc: new Map(), ac: new Map() };
  for (let at = 2; at + 4 <= bytes.length; ) {
    const marker = bytes[at + 1]!;
    const end = at + 2 + bytes[at + 2]! * 256 + bytes[at + 3]!;
    if (bytes[at] !== 0xff || end < at + 4 || end > bytes.length) return undefined;
    const segment = bytes.subarray(at + 4, end);
    if (marker === MARKER.scan) return found.frame && { ...found, frame: found.frame, scan: segment, end };
    if (!readSegment(marker, segment, found)) return undefined;
    at = end;
  }
  return undefined;
}

/** Whether it is one that has been understood. */
function readSegment(marker: number, segment: Uint8Array, found: Found): boolean {
  switch (marker) {
    case MARKER.tables:
      return readTables(segment, found);
    case MARKER.quantization:
      return readQuantization(segment, found);
    case MARKER.baseline:
    case MARKER.extended:
      if (found.frame !== undefined) return false;
      found.frame = readFrame(segment);
      return found.frame !== undefined;
    case MARKER.interval:
      found.interval = segment[0]! * 256 + segment[1]!;
      return segment.length === 2;
    // What they say is read by who decodes the picture, and refused there if it makes no sense.
    case APP.exif:
      return segment.length >= 32 && isUpright(segment);
    case APP.profile:
      return segment.length >= 32;
    case APP.adobe:
      // Colours that are not luminance and chrominance.
      return segment.length >= 12 && segment[11] !== 0;
    default:
      return marker === MARKER.comment || (marker >= APP.first && marker <= APP.last);
  }
}

function readTables(segment: Uint8Array, { dc, ac }: Found): boolean {
  let at = 0;
  while (at + 17 <= segment.length) {
    const [kind, id] = [segment[at]! >> 4, segment[at]! & 15];
    const counts = segment.subarray(at + 1, at + 17);
    const total = counts.reduce((sum, count) => sum + count, 0);
    at += 17 + total;
    if (kind > 1 || id > 3 || total > 256 || at > segment.length) return false;
    const table = huffmanTable(counts, segment.subarray(at - total, at), kind === 0);
    if (table === undefined) return false;
    (kind === 0 ? dc : ac).set(id, table);
  }
  return at === segment.length;
}

function readQuantization(segment: Uint8Array, { steps }: Found): boolean {
  let at = 0;
  while (at < segment.length) {
    const [words, id] = [segment[at]! >> 4, segment[at]! & 15];
    if (words > 1 || id > 3) return false;
    steps.set(id, words === 0 ? segment[at + 1]! : segment[at + 1]! * 256 + segment[at + 2]!);
    at += 1 + 64 * (words + 1);
  }
  return at === segment.length;
}

function readFrame(segment: Uint8Array): Frame | undefined {
  const count = segment[5];
  if (segment[0] !== 8 || (count !== 1 && count !== 3) || segment.length !== 6 + 3 * count) return undefined;
  const [height, width] = [segment[1]! * 256 + segment[2]!, segment[3]! * 256 + segment[4]!];
  if (width < 1 || height < 1 || width > MOST_SIDE || height > MOST_SIDE) return undefined;
  const components = Array.from({ length: count }, (_, i) => {
    const [id, sampling, quantization] = segment.subarray(6 + 3 * i);
    return { id: id!, across: sampling! >> 4, down: sampling! & 15, quantization: quantization! };
  });
  const text = String.fromCharCode(...components.map(({ id }) => id));
  const isPlain = components.every(({ across, down }) => [1, 2, 4].includes(across) && [1, 2, 4].includes(down));
  return isPlain && text !== "RGB" && new Set(text).size === count ? { width, height, components } : undefined;
}
