import { openDescriptors, readAt } from "#libs/files";
import { ImageSetError } from "../errors.ts";
import type { ImageIndex, Shard } from "./image-index.ts";

/** The files of an index's images. */
export type RowReader = Disposable & {
  /** The bytes of the image of a row: the file that it was. @throws ImageSetError where the shard is shorter, RangeError for no row */
  read(row: number): Uint8Array;
};

/**
 * Reads images from shards that are files of this machine, by position.
 * @param pathOf where a shard is
 */
export function openRows(index: ImageIndex, pathOf: (shard: Shard) => string): RowReader {
  const files = openDescriptors();
  const paths = index.shards.map(pathOf);
  return {
    read(row) {
      if (!Number.isInteger(row) || row < 0 || row >= index.count) throw new RangeError(`row ${row}: there are ${index.count}, from 0`);
      const path = paths[index.shard[row]!]!;
      const bytes = new Uint8Array(index.bytes[row]!);
      const read = readAt(files.of(path, "r"), bytes, index.offset[row]!);
      if (read < bytes.length) throw new ImageSetError(`${path} is shorter than its index says`);
      return bytes;
    },
    [Symbol.dispose]: () => files[Symbol.dispose](),
  };
}
