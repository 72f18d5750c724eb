import { crc32, deflateSync } from "node:zlib";

/** A grey PNG with so many bits a pixel, whose lines are these bytes, whether they are enough or not. */
export function greyPng(
  { width, height, bits }: { width: number; height: number; bits: 8 | 16 },
  lines: readonly Uint8Array[],
): Uint8Array {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header[8] = bits;
  const data = deflateSync(Buffer.concat(lines.flatMap((line) => [Uint8Array.of(0), line])));
  return Buffer.concat([
    Buffer.from("\x89PNG\r\n\x1a\n", "latin1"),
    chunk("IHDR", header),
    chunk("IDAT", data),
    chunk("IEND", new Uint8Array()),
  ]);
}

function chunk(type: string, data: Uint8Array): Uint8Array {
  const content = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  sum.writeUInt32BE(crc32(content));
  return Buffer.concat([length, content, sum]);
}
