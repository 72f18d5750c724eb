import type { Artifacts } from "#libs/artifacts";
import { createByteCache } from "#libs/concurrency";
import { decodeDataset } from "#libs/datasets";
import { annotations, type Descriptor, type Digest, layerOf, mediaTypes, RecipeError, readManifest } from "#libs/recipes";
import { loadFloat32 } from "#libs/tensors";
import type { Input, LoadInput } from "./input.ts";

/** Loads inputs from the catalog and keeps the most recently used ones, `cacheBytes` of them at most. */
export function createInputs(artifacts: Artifacts, cacheBytes: number): (signal: AbortSignal) => LoadInput {
  const cache = createByteCache<Input>(cacheBytes);
  return (signal) => async (digest) => {
    const known = cache.get(digest);
    if (known) return known;
    const { input, bytes } = await fetchInput(artifacts, digest, signal);
    cache.set(digest, input, bytes);
    return input;
  };
}

async function fetchInput(artifacts: Artifacts, digest: Digest, signal: AbortSignal): Promise<{ input: Input; bytes: number }> {
  const manifest = readManifest((await artifacts.get(digest, { signal })).manifest);
  const download = (layer: Descriptor) => artifacts.download(layer.digest, { signal });
  const { licences, layers } = manifest;
  switch (manifest.kind) {
    case "source": {
      const files = await Promise.all(
        layers.map(async (layer) => [layer.annotations?.[annotations.title] ?? "", await download(layer)] as const),
      );
      return { input: { kind: "source", licences, files: new Map(files) }, bytes: sizeOf(layers) };
    }
    case "dataset": {
      const layer = layerOf(manifest, mediaTypes.datasetLayer);
      return { input: { kind: "dataset", licences, dataset: decodeDataset(await download(layer)) }, bytes: layer.size };
    }
    case "model": {
      const layer = layerOf(manifest, mediaTypes.weights);
      return { input: { kind: "model", licences, weights: loadFloat32(await download(layer)) }, bytes: layer.size };
    }
    default:
      throw new RecipeError("inputs", `artifact ${digest} is of kind ${manifest.kind}; nothing is trained on those`);
  }
}

const sizeOf = (layers: readonly Descriptor[]) => layers.reduce((sum, { size }) => sum + size, 0);
