import type { ByteSource } from "#libs/tensors";
import { quote } from "#libs/text";
import { TorchFileError } from "./errors.ts";

/** A file in a zip archive. */
export type ZipEntry = {
  readonly name: string;
  readonly bytes: number;
  readonly headerOffset: number;
  /** Its bytes lie in the archive as they are: neither compressed nor encrypted. */
  readonly isPlain: boolean;
};

// Records of the format, with their signatures and fixed sizes (APPNOTE.TXT 4.3).
const END = { signature: 0x06054b50, bytes: 22 };
const END64_LOCATOR = { signature: 0x07064b50, bytes: 20 };
const END64 = { signature: 0x06064b50, bytes: 56 };
const CENTRAL = { signature: 0x02014b50, bytes: 46 };
const LOCAL = { signature: 0x04034b50, bytes: 30 };
/** The extra field that has what 32 bits do not hold. */
const ZIP64_FIELD = 1;
const MOST_COMMENT_BYTES = 0xffff;
const ENCRYPTED = 1;
/** Some 200,000 entries: a file of PyTorch has one for each storage. */
const MOST_DIRECTORY_BYTES = 32 << 20;

/** The directory of a zip archive, zip64 too. Reads its end only. @throws TorchFileError (archive, limit) */
export async function readZip(source: ByteSource): Promise<ReadonlyMap<string, ZipEntry>> {
  const { offset, bytes } = await findDirectory(source);
  if (bytes > MOST_DIRECTORY_BYTES) throw new TorchFileError("limit", `the directory of its archive has ${bytes} bytes`);
  const directory = viewOf(await read(source, offset, bytes));
  const entries = new Map<string, ZipEntry>();
  for (let at = 0; at < bytes; ) {
    if (bytes - at < CENTRAL.bytes || directory.getUint32(at, true) !== CENTRAL.signature)
      throw damaged("its directory is no list of files");
    const [nameBytes, extraBytes, commentBytes] = [28, 30, 32].map((field) => directory.getUint16(at + field, true)) as [
      number,
      number,
      number,
    ];
    const end = at + CENTRAL.bytes + nameBytes + extraBytes + commentBytes;
    if (end > bytes) throw damaged("its directory ends too early");
    const entry = entryAt(directory, at, nameBytes, extraBytes);
    if (entries.has(entry.name)) throw damaged(`it has two files ${quote(entry.name)}`);
    entries.set(entry.name, entry);
    at = end;
  }
  return entries;
}

/** Where the bytes of a file in the archive begin. @throws TorchFileError (archive) for one that is compressed, too */
export async function dataOffset(source: ByteSource, { name, bytes, headerOffset, isPlain }: ZipEntry): Promise<number> {
  if (!isPlain)
    throw damaged(
      `${quote(name)} is compressed or encrypted, which PyTorch does not do: somebody has packed it again; load it with torch and save it anew`,
    );
  const header = viewOf(await read(source, headerOffset, LOCAL.bytes));
  if (header.getUint32(0, true) !== LOCAL.signature) throw damaged(`${quote(name)} is not where the directory says`);
  const begin = headerOffset + LOCAL.bytes + header.getUint16(26, true) + header.getUint16(28, true);
  if (begin + bytes > source.size) throw damaged(`${quote(name)} ends beyond it`);
  return begin;
}

async function findDirectory(source: ByteSource): Promise<{ offset: number; bytes: number }> {
  const tailBytes = Math.min(source.size, END.bytes + MOST_COMMENT_BYTES);
  const tailOffset = source.size - tailBytes;
  const tail = viewOf(await read(source, tailOffset, tailBytes));
  let at = tailBytes - END.bytes;
  while (at >= 0 && !(tail.getUint32(at, true) === END.signature && at + END.bytes + tail.getUint16(at + 20, true) === tailBytes)) at--;
  if (at < 0) throw damaged("its end is missing: it was cut off, or downloaded in part");
  const [bytes, offset] = [tail.getUint32(at + 12, true), tail.getUint32(at + 16, true)];
  const endOffset = tailOffset + at;
  if (bytes !== 0xffffffff && offset !== 0xffffffff) return inside({ offset, bytes }, endOffset);
  const locator = viewOf(await read(source, endOffset - END64_LOCATOR.bytes, END64_LOCATOR.bytes));
  if (locator.getUint32(0, true) !== END64_LOCATOR.signature) throw damaged("its directory cannot be found");
  const end64Offset = large(locator, 8);
  const end64 = viewOf(await read(source, end64Offset, END64.bytes));
  if (end64.getUint32(0, true) !== END64.signature) throw damaged("its directory cannot be found");
  return inside({ bytes: large(end64, 40), offset: large(end64, 48) }, endOffset);
}

function inside(directory: { offset: number; bytes: number }, end: number): { offset: number; bytes: number } {
  if (directory.offset + directory.bytes > end) throw damaged("its directory is not inside of it");
  return directory;
}

function entryAt(directory: DataView, at: number, nameBytes: number, extraBytes: number): ZipEntry {
  const nameAt = at + CENTRAL.bytes;
  const name = new TextDecoder().decode(new Uint8Array(directory.buffer, directory.byteOffset + nameAt, nameBytes));
  const isPlain = directory.getUint16(at + 10, true) === 0 && (directory.getUint16(at + 8, true) & ENCRYPTED) === 0;
  let bytes = directory.getUint32(at + 24, true);
  let headerOffset = directory.getUint32(at + 42, true);
  // Of the extra field only what is missing above is there, in this order: size, compressed size, offset.
  const wide = zip64Field(directory, nameAt + nameBytes, extraBytes);
  const next = () => {
    const value = wide.shift();
    if (value === undefined) throw damaged(`the size of ${quote(name)} is missing`);
    return value;
  };
  if (bytes === 0xffffffff) bytes = next();
  const stored = directory.getUint32(at + 20, true);
  const storedBytes = stored === 0xffffffff ? next() : stored;
  if (isPlain && storedBytes !== bytes) throw damaged(`${quote(name)} in it has two sizes`);
  if (headerOffset === 0xffffffff) headerOffset = next();
  return { name, bytes, headerOffset, isPlain };
}

function zip64Field(directory: DataView, from: number, bytes: number): number[] {
  for (let at = from; at + 4 <= from + bytes; ) {
    const length = directory.getUint16(at + 2, true);
    if (at + 4 + length > from + bytes) break;
    if (directory.getUint16(at, true) === ZIP64_FIELD)
      return Array.from({ length: Math.floor(length / 8) }, (_, i) => large(directory, at + 4 + 8 * i));
    at += 4 + length;
  }
  return [];
}

function large(view: DataView, at: number): number {
  const value = view.getBigUint64(at, true);
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw damaged("it has a size that no file has");
  return Number(value);
}

async function read(source: ByteSource, offset: number, bytes: number): Promise<Uint8Array> {
  if (offset < 0 || offset + bytes > source.size) throw damaged("it says that something is beyond its end");
  return source.read(offset, bytes);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function damaged(what: string): TorchFileError {
  return new TorchFileError("archive", `its zip archive is broken: ${what}`);
}
