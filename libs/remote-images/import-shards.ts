import type { Artifacts } from "#libs/artifacts";
import type { PackedShard } from "#libs/image-sets";
import { annotations, buildSourceManifest, checkImportRoom, type Descriptor, type Digest, type Recipe } from "#libs/recipes";
import { sendShard } from "./send-shard.ts";

/** Shards in the catalog, as one import. */
export type ImportedShards = {
  /** Of the import. */
  readonly digest: Digest;
  /** Of the shards. */
  readonly bytes: number;
  /** Those that the catalog did not have. */
  readonly sentBytes: number;
};

/**
 * Puts shards into the catalog, one after another, and publishes them as an import. What the catalog has is not sent again.
 * @param options.beforeSend before anything is sent or published that the catalog does not have: what it throws is the end of it.
 * @throws what the shards throw; ManifestError for more shards than an import has room for; RpcError
 */
export async function importShards(
  shards: AsyncIterable<PackedShard>,
  artifacts: Artifacts,
  {
    mediaType,
    licence,
    source,
    signal,
    beforeSend,
  }: {
    readonly mediaType: string;
    /** An SPDX expression. */
    readonly licence: string;
    /** Where they are from, in words. */
    readonly source: string;
    readonly signal: AbortSignal;
    readonly beforeSend?: () => Promise<void>;
  },
): Promise<ImportedShards> {
  const files: Descriptor[] = [];
  let [bytes, sentBytes] = [0, 0];
  for await (const shard of shards) {
    const sent = await sendShard(shard, artifacts, { mediaType, signal, beforeSend });
    files.push(sent.descriptor);
    bytes += shard.bytes;
    sentBytes += sent.sentBytes;
    checkImportRoom({ files: filesOf(files), licence, source });
  }
  const recipe: Recipe = { kind: "import", inputs: {}, parameters: { files: filesOf(files), licence, source } };
  const publish = async () => {
    await beforeSend?.();
    return artifacts.publish(buildSourceManifest({ recipe, licences: [licence], files }), { signal });
  };
  const { digest } = (await artifacts.findByRecipe(recipe, { signal })) ?? (await publish());
  return { digest: digest as Digest, bytes, sentBytes };
}

function filesOf(files: readonly Descriptor[]) {
  return files.map(({ digest, size, annotations: notes }) => ({ path: notes?.[annotations.title] ?? "", digest, bytes: size }));
}
