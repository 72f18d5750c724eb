import type { Artifacts } from "#libs/artifacts";
import { mediaTypes } from "#libs/recipes";
import { packRecords, type RecordSet } from "#libs/record-sets";
import { type ImportedShards, importShards } from "./import-shards.ts";

/**
 * Puts a folder of records into the catalog, shard by shard. Equal records make one import, whoever packs them; what the catalog has is not
 * sent again.
 * @param options.onPacked how many records are in a shard by now
 * @throws ImageSetError for a record that cannot be read; ManifestError for more shards than an import has room for; RpcError
 */
export function importRecords(
  set: Pick<RecordSet, "domains" | "classes" | "records">,
  artifacts: Artifacts,
  {
    onPacked = () => {},
    ...options
  }: {
    readonly licence: string;
    readonly source: string;
    readonly signal: AbortSignal;
    readonly onPacked?: (records: number) => void;
  },
): Promise<ImportedShards> {
  const { domains, classes } = set;
  const shards = packRecords(counting(set.records(), onPacked), { domains, classes, signal: options.signal });
  return importShards(shards, artifacts, { ...options, mediaType: mediaTypes.recordShard });
}

/** Told of so many records at a time. */
const STEP = 1000;

async function* counting<T>(items: AsyncIterable<T>, onCount: (count: number) => void): AsyncGenerator<T> {
  let count = 0;
  for await (const item of items) {
    yield item;
    count += 1;
    if (count % STEP === 0) onCount(count);
  }
  onCount(count);
}
