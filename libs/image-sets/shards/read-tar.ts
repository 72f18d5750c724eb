import { BLOCK_BYTES, paddedBytes, readTarHeader } from "#libs/files";
import { ImageSetError } from "../errors.ts";
import { byteQueue } from "./byte-queue.ts";

/** A file of an archive, its bytes and where they begin in the archive. */
export type TarFile = { readonly name: string; readonly offset: number; readonly bytes: Uint8Array };

const MOST_FILE_BYTES = 1 << 30;

/**
 * The files of a tar archive as its bytes come, one after another.
 * @param label what the archive is called in errors
 * @throws ImageSetError for what is no archive of plain files, or one that is cut short
 */
export async function* readTar(pieces: AsyncIterable<Uint8Array>, label: string): AsyncGenerator<TarFile, void, undefined> {
  await using source = byteQueue(pieces);
  while (true) {
    const offset = source.position();
    const block = await source.take(BLOCK_BYTES);
    if (block === undefined) throw new ImageSetError(`${label} is cut short: it ends after ${offset} bytes, without the end of an archive`);
    const entry = headerOf(block, label, offset);
    if (entry === undefined) return;
    if (!(entry.size <= MOST_FILE_BYTES))
      throw new ImageSetError(`${label}: the file at byte ${offset} has ${entry.size} bytes, expected less than 1 GiB`);
    const padded = await source.take(paddedBytes(entry.size));
    if (padded === undefined) throw new ImageSetError(`${label} is cut short: it ends inside of ${entry.name}`);
    yield { name: entry.name, offset: offset + BLOCK_BYTES, bytes: padded.subarray(0, entry.size) };
  }
}

function headerOf(block: Uint8Array, label: string, offset: number) {
  try {
    const entry = readTarHeader(block);
    if (entry === undefined || entry.type === "0") return entry;
    throw new RangeError(`an entry has the type ${JSON.stringify(entry.type)}, expected a plain file`);
  } catch (cause) {
    throw new ImageSetError(`${label} is no tar archive: at byte ${offset}, ${(cause as Error).message}`, { cause });
  }
}
