import { DatasetError, decodeDataset } from "#libs/datasets";
import { decodeIndex, type Shard } from "#libs/image-sets";
import { type Descriptor, type GlyphsParameters, mediaTypes, type Recipe } from "#libs/recipes";
import type { Check } from "./check.ts";
import { notFinite } from "./finite.ts";
import type { Given } from "./given.ts";
import { layerOf } from "./layer.ts";

/** Of a data set: an index that reads, over shards that came along or are its source's; of drawn symbols the images themselves. */
export const checkDataset: Check = async ({ recipe, layers, files, given }) => {
  const layer = layerOf(layers, mediaTypes.datasetLayer);
  const check = drawn[String(recipe.parameters["generator"])];
  if (check) return check(recipe, await files.bytes(layer)) ?? notFinite(await files.open(layer));
  const { shards } = decodeIndex(await files.bytes(layer));
  return missingShard(shards, layers, given);
};

/** Data sets that are no index, by their generator. */
const drawn: { readonly [generator: string]: (recipe: Recipe, file: Uint8Array) => string | undefined } = {
  "glyphs/1": ({ parameters }, file) => {
    const { classes, images } = parameters as GlyphsParameters;
    const found = decodeDataset(file);
    if (found.classes !== classes) throw new DatasetError(`has ${found.classes} classes; the recipe has ${classes}`);
    return found.count === images ? undefined : `tensor images has ${found.count} rows; the recipe asks for ${images} images`;
  },
  "rotated-digits/1": (_recipe, file) => void decodeDataset(file),
};

/** A shard of an index that nobody has, as a sentence. */
async function missingShard(shards: readonly Shard[], layers: readonly Descriptor[], given: Given): Promise<string | undefined> {
  const sizes = new Map(layers.map(({ digest, size }) => [digest as string, size]));
  for (const { digest, size } of given.files("source")) sizes.set(digest, size);
  let lent: readonly Shard[] | undefined;
  for (const { digest, bytes } of shards) {
    if (sizes.get(digest) === bytes) continue;
    // A part of another data set lies in the shards of that.
    lent ??= await given.shards("source");
    if (lent.some((shard) => shard.digest === digest && shard.bytes === bytes)) continue;
    return `the index speaks of the shard ${digest} of ${bytes} bytes; neither the outputs nor the source have it`;
  }
  return undefined;
}
