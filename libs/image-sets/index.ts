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
export { CLASSES_FILE, declaredClasses } from "./read/classes.ts";
export { CsvError, type CsvRecord, parseCsv } from "./read/csv.ts";
export { type Entries, entriesOf } from "./read/entries.ts";
export { storedExtension } from "./read/extensions.ts";
export { createFindings, type Findings } from "./read/findings.ts";
export { imagesOf, type ReadOptions, readImageSet } from "./read/read-image-set.ts";
export { reportCounts } from "./read/report-set.ts";
export { rootEntries } from "./read/root-entries.ts";
export { textOf } from "./read/text-of.ts";
export { isGoodName } from "./read/walk.ts";
export { byteQueue } from "./shards/byte-queue.ts";
export { createIndexBuilder, type ImageIndex, indexFormats, nameOfRow, type Shard } from "./shards/image-index.ts";
export { decodeIndex, encodeIndex } from "./shards/index-file.ts";
export { indexShards, type ShardContent } from "./shards/index-shards.ts";
export { type PackedShard, type Packing, type PackOptions, packImages } from "./shards/pack.ts";
export { type SubsetSpec, subsetOfIndex } from "./shards/subset.ts";
export type { ImageContent, ImageGroup, ImageSet, LabelledImage, Problem, ProblemKind } from "./types.ts";
