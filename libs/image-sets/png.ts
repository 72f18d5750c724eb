import { crc32 } from "node:zlib";

/** Grey values or red, green and blue, 8 bits each, row by row. */
export type Pixels = { readonly width: number; readonly height: number; readonly channels: 1 | 3; readonly data: Uint8Array };

const SIGNATURE = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
const STORED_BYTES = 65535;
const ADLER = 65521;
const CHUNK_BYTES = 12;

/**
 * A PNG file without compression: its bytes depend on the pixels alone. What compresses differs between versions and runtimes.
 * Sources: PNG (ISO 15948), zlib (RFC 1950), stored blocks of deflate (RFC 1951, 3.2.4).
 * @example
 * ```ts
 * const file = encodePng({ width: 2, height: 1, channels: 1, data: Uint8Array.of(0, 255) });
 * file.length; // 71
 * ```
 */
export function encodePng({ width, height, channels, data }: Pixels): Uint8Array {
  if (data.length !== width * height * channels)
    throw new RangeError(`${data.length} bytes are no ${width} x ${height} x ${channels} pixels`);
  const row = width * channels;
  // Each row begins with the number of its filter, 0: none.
  const raw = new Uint8Array(height * (row + 1));
  for (let y = 0; y < height; y++) raw.set(data.subarray(y * row, (y + 1) * row), y * (row + 1) + 1);
  const head = new Uint8Array(13);
  const view = new DataView(head.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  // Depth 8; colour type 0 is grey, 2 is RGB.
  head.set([8, channels === 1 ? 0 : 2], 8);
  return Buffer.concat([SIGNATURE, chunk("IHDR", head), chunk("IDAT", stored(raw)), chunk("IEND", new Uint8Array())]);
}

function chunk(type: string, data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(CHUNK_BYTES + data.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, data.length);
  bytes.set(Buffer.from(type, "latin1"), 4);
  bytes.set(data, 8);
  view.setUint32(8 + data.length, crc32(bytes.subarray(4, 8 + data.length)));
  return bytes;
}

/** A zlib stream of stored blocks. */
function stored(raw: Uint8Array): Uint8Array {
  const blocks = Math.ceil(raw.length / STORED_BYTES);
  const bytes = new Uint8Array(2 + blocks * 5 + raw.length + 4);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, 0x7801);
  let at = 2;
  for (let begin = 0; begin < raw.length; begin += STORED_BYTES) {
    const part = raw.subarray(begin, begin + STORED_BYTES);
    bytes[at] = begin + part.length === raw.length ? 1 : 0;
    view.setUint16(at + 1, part.length, true);
    view.setUint16(at + 3, ~part.length & 0xffff, true);
    bytes.set(part, at + 5);
    at += 5 + part.length;
  }
  view.setUint32(at, adler32(raw));
  return bytes;
}

function adler32(bytes: Uint8Array): number {
  let [a, b] = [1, 0];
  for (const byte of bytes) {
    a = (a + byte) % ADLER;
    b = (b + a) % ADLER;
  }
  return ((b << 16) | a) >>> 0;
}
