import { createWriteStream } from "node:fs";
import { type FileHandle, mkdir, open } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createInflateRaw } from "node:zlib";
import { asWriteError } from "#libs/files";
import { SetupError } from "./errors.ts";

/** A file in a zip archive. */
type Entry = {
  readonly name: string;
  readonly method: number;
  readonly packedBytes: number;
  readonly bytes: number;
  readonly offset: number;
  /** Somebody may run it, as pip reads it: an archive of Unix says so. */
  readonly executable: boolean;
};

const STORED = 0;
const DEFLATED = 8;
/** The end of the central directory (APPNOTE.TXT, 4.3.16) has 22 bytes and a comment, which archives of packages do not have. */
const END_BYTES = 22;
const END = 0x06054b50;
const CENTRAL = 0x02014b50;
const LOCAL_BYTES = 30;
/** The system that made an entry (4.4.2.2), whose external attributes have the mode of the file in their upper half. */
const UNIX = 3;
const EXECUTABLE = 0o111;

/**
 * Writes some of the files of a zip archive, one after another, whatever their size; what is a program there can be run.
 * @param placeOf where below `target` a file goes, undefined to leave it out; names are those of an archive whose digest is known.
 * @returns the bytes written.
 * @throws SetupError if it is no such archive; NoSpaceError; the signal's reason.
 */
export async function unzip(
  archive: string,
  target: string,
  placeOf: (name: string) => string | undefined,
  { signal, onBytes = () => {} }: { signal?: AbortSignal | undefined; onBytes?: (bytes: number) => void } = {},
): Promise<number> {
  await using file = await open(archive, "r");
  let written = 0;
  for (const entry of await entriesOf(file, archive)) {
    const place = entry.name.endsWith("/") ? undefined : placeOf(entry.name);
    if (place === undefined) continue;
    signal?.throwIfAborted();
    const path = join(target, place);
    try {
      await mkdir(dirname(path), { recursive: true });
      await extract(file, entry, path, signal);
    } catch (error) {
      throw asWriteError(error, path);
    }
    written += entry.bytes;
    onBytes(written);
  }
  return written;
}

async function entriesOf(file: FileHandle, archive: string): Promise<Entry[]> {
  const { size } = await file.stat();
  const end = await bytesAt(file, Math.max(0, size - END_BYTES), Math.min(size, END_BYTES));
  if (end.length < END_BYTES || end.readUInt32LE(0) !== END) throw new SetupError(`${archive} is no zip archive`);
  const directory = await bytesAt(file, end.readUInt32LE(16), end.readUInt32LE(12));
  const entries: Entry[] = [];
  for (let at = 0; at < directory.length; ) {
    if (directory.readUInt32LE(at) !== CENTRAL) throw new SetupError(`${archive} has a directory that cannot be read`);
    const [name, extra, comment] = [28, 30, 32].map((offset) => directory.readUInt16LE(at + offset)) as [number, number, number];
    entries.push({
      name: directory.toString("utf8", at + 46, at + 46 + name),
      method: directory.readUInt16LE(at + 10),
      packedBytes: directory.readUInt32LE(at + 20),
      bytes: directory.readUInt32LE(at + 24),
      offset: directory.readUInt32LE(at + 42),
      executable: directory[at + 5] === UNIX && (directory.readUInt16LE(at + 40) & EXECUTABLE) !== 0,
    });
    at += 46 + name + extra + comment;
  }
  return entries;
}

async function extract(file: FileHandle, entry: Entry, path: string, signal: AbortSignal | undefined): Promise<void> {
  if (entry.method !== STORED && entry.method !== DEFLATED) throw new SetupError(`${entry.name} is packed by method ${entry.method}`);
  const local = await bytesAt(file, entry.offset, LOCAL_BYTES);
  const start = entry.offset + LOCAL_BYTES + local.readUInt16LE(26) + local.readUInt16LE(28);
  const packed = Readable.from(pieces(file, start, entry.packedBytes));
  const target = createWriteStream(path, entry.executable ? { mode: 0o777 } : {});
  const options = signal ? { signal } : {};
  if (entry.method === STORED) await pipeline(packed, target, options);
  else await pipeline(packed, createInflateRaw(), target, options);
}

const PIECE_BYTES = 1 << 20;

async function* pieces(file: FileHandle, start: number, bytes: number): AsyncGenerator<Buffer> {
  for (let done = 0; done < bytes; done += PIECE_BYTES) yield await bytesAt(file, start + done, Math.min(PIECE_BYTES, bytes - done));
}

async function bytesAt(file: FileHandle, position: number, bytes: number): Promise<Buffer> {
  const buffer = Buffer.alloc(bytes);
  const { bytesRead } = await file.read(buffer, 0, bytes, position);
  return buffer.subarray(0, bytesRead);
}
