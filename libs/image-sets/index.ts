export {
  type CheckOptions,
  type CheckProgress,
  checkImageSet,
  type DomainCount,
  type ImageReport,
  lookAtImageSet,
} from "./check/check-image-set.ts";
export { similarPairs } from "./check/similar-pairs.ts";
export { ImageSetError } from "./errors.ts";
export { type HeldOutItems, heldOutItems, isTestItem, itemOfRow, splitByItems, stemOf } from "./items.ts";
export { type ImageLeak, imageLeaks, imagesInDomains, itemLeaks, type SeenImages } from "./leaks.ts";
export { decodeLooks, encodeLooks, type ImageLooks, looksOf } from "./looks.ts";
export { encodePng, type Pixels } from "./png.ts";
export { CsvError, type CsvRecord, parseCsv } from "./read/csv.ts";
export { storedExtension } from "./read/extensions.ts";
export { imagesOf, type ReadOptions, readImageSet } from "./read/read-image-set.ts";
export { type ImageIndex, nameOfRow, type Shard } from "./shards/image-index.ts";
export { decodeIndex, encodeIndex } from "./shards/index-file.ts";
export { indexShards, type ShardContent } from "./shards/index-shards.ts";
export { type PackedShard, type Packing, type PackOptions, packImages } from "./shards/pack.ts";
export { type SubsetSpec, subsetOfIndex } from "./shards/subset.ts";
export type { ImageContent, ImageGroup, ImageSet, LabelledImage, Problem, ProblemKind } from "./types.ts";
