/** Bytes of a header and of what files are filled up to. */
export const BLOCK_BYTES = 512;
/** What a tar archive ends with: two empty blocks. */
export const END_BYTES = 2 * BLOCK_BYTES;

const MOST_NAME_BYTES = 100;
const CHECKSUM = { at: 148, length: 8 } as const;

/** Bytes that a file of a size takes in an archive. */
export function entryBytes(size: number): number {
  return BLOCK_BYTES + paddedBytes(size);
}

/** A size, filled up to whole blocks. */
export function paddedBytes(size: number): number {
  return Math.ceil(size / BLOCK_BYTES) * BLOCK_BYTES;
}

/**
 * Writes the header of a file in an archive (POSIX ustar) into a block of zeros: without times, owners or anything else of a machine.
 * @param name at most 100 bytes
 * @param size less than 8 GiB
 */
export function writeTarHeader(block: Uint8Array, name: string, size: number): void {
  const put = (at: number, text: string) => {
    for (let i = 0; i < text.length; i++) block[at + i] = text.charCodeAt(i);
  };
  if (name.length > MOST_NAME_BYTES) throw new RangeError(`the name ${name} is longer than ${MOST_NAME_BYTES} bytes`);
  put(0, name);
  put(100, "0000644\0");
  put(108, "0000000\0");
  put(116, "0000000\0");
  put(124, `${octal(size, 11)}\0`);
  put(136, "00000000000\0");
  put(CHECKSUM.at, "        ");
  put(156, "0");
  put(257, "ustar\0" + "00");
  let sum = 0;
  for (const byte of block) sum += byte;
  put(CHECKSUM.at, `${octal(sum, 6)}\0 `);
}

/** A file of an archive, as its header says. */
export type TarEntry = { readonly name: string; readonly size: number };

/**
 * Reads the header of a file. Undefined for an empty block, with which archives end.
 * @throws RangeError for what is no header of a plain file: another type of entry, a checksum that is not that of the block
 */
export function readTarHeader(block: Uint8Array): TarEntry | undefined {
  let sum = 0;
  for (let i = 0; i < BLOCK_BYTES; i++) sum += i >= CHECKSUM.at && i < CHECKSUM.at + CHECKSUM.length ? 0x20 : block[i]!;
  if (sum === CHECKSUM.length * 0x20) return undefined;
  const field = (at: number, length: number) => {
    const text = Buffer.from(block.buffer, block.byteOffset + at, length).toString("latin1");
    const end = text.indexOf("\0");
    return end < 0 ? text : text.slice(0, end);
  };
  if (number(field(CHECKSUM.at, CHECKSUM.length)) !== sum) throw new RangeError("the checksum of a header is not that of its bytes");
  const type = block[156]!;
  if (type !== 0x30 && type !== 0)
    throw new RangeError(`an entry has the type ${JSON.stringify(String.fromCharCode(type))}, expected a plain file`);
  return { name: field(0, MOST_NAME_BYTES), size: number(field(124, 12)) };
}

function octal(value: number, digits: number): string {
  const text = value.toString(8);
  if (text.length > digits) throw new RangeError(`${value} bytes are too many for an entry of a tar archive`);
  return text.padStart(digits, "0");
}

function number(text: string): number {
  return /^ *[0-7]+ *$/.test(text) ? Number.parseInt(text.trim(), 8) : Number.NaN;
}
