/** Bytes of a header and of what files are filled up to. */
export const BLOCK_BYTES = 512;
/** What a tar archive ends with: two empty blocks. */
export const END_BYTES = 2 * BLOCK_BYTES;

const CHECKSUM = { at: 148, length: 8 } as const;

/** Bytes that a file of a size takes in an archive. */
export function entryBytes(size: number): number {
  return BLOCK_BYTES + paddedBytes(size);
}

/** A size, filled up to whole blocks. */
export function paddedBytes(size: number): number {
  return Math.ceil(size / BLOCK_BYTES) * BLOCK_BYTES;
}

const NAME = { at: 0, length: 100 } as const;
const SIZE = { at: 124, digits: 11 } as const;

/** What all headers have in common: the bytes of a header without name, size and checksum, and their sum with blanks for the checksum. */
const common = new Uint8Array(BLOCK_BYTES);
for (const [at, text] of [
  [100, "0000644\0"],
  [108, "0000000\0"],
  [116, "0000000\0"],
  [136, "00000000000\0"],
  [CHECKSUM.at, "        "],
  [156, "0"],
  [257, "ustar\0" + "00"],
] as const)
  common.set(Buffer.from(text, "latin1"), at);
const commonSum = common.reduce((sum, byte) => sum + byte, 0);

/**
 * Writes the header of a file in an archive (POSIX ustar) over a block: without times, owners or anything else of a machine.
 * @param name at most 100 characters of ASCII
 * @param size less than 8 GiB
 */
export function writeTarHeader(block: Uint8Array, name: string, size: number): void {
  if (name.length > NAME.length) throw new RangeError(`the name ${name} is longer than ${NAME.length} bytes`);
  block.set(common);
  let sum = commonSum;
  const put = (at: number, text: string) => {
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      block[at + i] = code;
      sum += code;
    }
  };
  put(NAME.at, name);
  put(SIZE.at, octal(size, SIZE.digits));
  put(CHECKSUM.at, `${octal(sum, 6)}\0 `);
}

/** A file of an archive, as its header says. `type` is "0" of a plain file, "5" of a folder, "x" of facts about the next entry, … */
export type TarEntry = { readonly name: string; readonly size: number; readonly type: string };

/**
 * Reads the header of an entry. Undefined for an empty block, with which archives end.
 * @throws RangeError for what is no header: a checksum that is not that of the block
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
  // Old archives have an empty type for plain files.
  const type = String.fromCharCode(block[156]! || 0x30);
  return { name: field(NAME.at, NAME.length), size: number(field(SIZE.at, SIZE.digits + 1)), type };
}

function octal(value: number, digits: number): string {
  const text = value.toString(8);
  if (text.length > digits) throw new RangeError(`${value} bytes are too many for an entry of a tar archive`);
  return text.padStart(digits, "0");
}

function number(text: string): number {
  return /^ *[0-7]+ *$/.test(text) ? Number.parseInt(text.trim(), 8) : Number.NaN;
}
