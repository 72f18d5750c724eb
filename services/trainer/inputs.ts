import type { Artifacts } from "#libs/artifacts";
import { createByteCache } from "#libs/concurrency";
import { decodeDataset } from "#libs/datasets";
import { type Digest, mediaTypes, RecipeError } from "#libs/recipes";
import { loadFloat32 } from "#libs/tensors";
import { ArtifactKind } from "#proto/ratatouille/v1/artifact_pb.ts";
import type { InputArtifact, InputLayer, JobInput } from "#proto/ratatouille/v1/finetune_pb.ts";
import type { Input, LoadInput } from "./input.ts";
import { kindName } from "./work.ts";

/**
 * Loads the inputs of an attempt, as BeginAttempt has resolved them, from the catalog, and keeps the most recently used ones, `cacheBytes` of
 * them at most.
 */
export function createInputs(artifacts: Artifacts, cacheBytes: number): (inputs: readonly JobInput[], signal: AbortSignal) => LoadInput {
  const cache = createByteCache<Input>(cacheBytes);
  return (inputs, signal) => {
    const resolved = new Map(inputs.flatMap((input) => input.artifacts.map((artifact) => [artifact.digest, artifact] as const)));
    return async (digest) => {
      const known = cache.get(digest);
      if (known) return known;
      const { input, bytes } = await fetchInput(artifacts, resolvedInput(resolved, digest), signal);
      cache.set(digest, input, bytes);
      return input;
    };
  };
}

function resolvedInput(resolved: ReadonlyMap<string, InputArtifact>, digest: Digest): InputArtifact {
  const artifact = resolved.get(digest);
  if (!artifact) throw new RecipeError("inputs", `the service has not said what is in ${digest}`);
  return artifact;
}

async function fetchInput(artifacts: Artifacts, artifact: InputArtifact, signal: AbortSignal): Promise<{ input: Input; bytes: number }> {
  const download = (layer: InputLayer) => artifacts.download(layer.digest, { signal });
  const { kind, licences, layers } = artifact;
  switch (kind) {
    case ArtifactKind.SOURCE: {
      const files = await Promise.all(layers.map(async (layer) => [layer.title, await download(layer)] as const));
      return { input: { kind: "source", licences, files: new Map(files) }, bytes: sizeOf(layers) };
    }
    case ArtifactKind.DATASET: {
      const layer = layerOf(artifact, mediaTypes.datasetLayer);
      return { input: { kind: "dataset", licences, dataset: decodeDataset(await download(layer)) }, bytes: Number(layer.sizeBytes) };
    }
    case ArtifactKind.MODEL: {
      const layer = layerOf(artifact, mediaTypes.weights);
      return { input: { kind: "model", licences, weights: loadFloat32(await download(layer)) }, bytes: Number(layer.sizeBytes) };
    }
    default:
      throw new RecipeError("inputs", `artifact ${artifact.digest} is of kind ${kindName(kind)}; nothing is trained on those`);
  }
}

function layerOf({ digest, layers }: InputArtifact, mediaType: string): InputLayer {
  const layer = layers.find((one) => one.mediaType === mediaType);
  if (!layer) throw new RecipeError("inputs", `artifact ${digest} has no layer of type ${mediaType}`);
  return layer;
}

const sizeOf = (layers: readonly InputLayer[]) => layers.reduce((sum, { sizeBytes }) => sum + Number(sizeBytes), 0);
