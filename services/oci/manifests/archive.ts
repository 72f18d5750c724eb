import { BLOCK_BYTES, paddedBytes, readTarHeader } from "#libs/files";
import type { ByteSource } from "#libs/tensors";

/** A file in an archive: its name, and where its bytes are. */
export type Member = { readonly name: string; readonly offset: number; readonly size: number };

/** More entries than any model has. */
const MOST_ENTRIES = 10_000;

/**
 * The plain files of a tar archive, by reading its headers alone.
 * @throws RangeError saying what is wrong with the archive
 */
export async function filesOfArchive({ size, read }: ByteSource): Promise<readonly Member[]> {
  const files: Member[] = [];
  let at = 0;
  for (let entries = 0; at + BLOCK_BYTES <= size; entries += 1) {
    if (entries === MOST_ENTRIES) throw new RangeError(`it has more than ${MOST_ENTRIES} entries`);
    const entry = readTarHeader(await read(at, BLOCK_BYTES));
    if (entry === undefined) return files;
    const offset = at + BLOCK_BYTES;
    at = offset + paddedBytes(entry.size);
    if (!(at <= size)) throw new RangeError(`it is cut short, or an entry has 8 GiB or more: ${entry.name}`);
    if (entry.type === "0") files.push({ name: entry.name, offset, size: entry.size });
  }
  throw new RangeError("it is cut short: the end of an archive is missing");
}
