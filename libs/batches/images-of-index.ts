import { type ImageIndex, nameOfRow, type Shard } from "#libs/image-sets";
import type { ImageRows } from "./types.ts";

/**
 * The images of an index whose shards are files of this machine.
 * @param pathOf where a shard is.
 */
export function imagesOfIndex(index: ImageIndex, pathOf: (shard: Shard) => string): ImageRows {
  const paths = index.shards.map(pathOf);
  return {
    labels: index.class,
    fileOf: (row) => ({ path: paths[index.shard[row]!]!, offset: index.offset[row]!, bytes: index.bytes[row]! }),
    nameOf: (row) => [index.domains[index.domain[row]!], index.classes[index.class[row]!], nameOfRow(index, row)].join("/"),
  };
}
