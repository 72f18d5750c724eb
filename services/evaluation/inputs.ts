import type { Artifacts } from "#libs/artifacts";
import { createByteCache, createSharedWork } from "#libs/concurrency";
import { layerOf, ManifestError, mediaTypes, type ReadManifest, RecipeError, readManifest } from "#libs/recipes";
import { InvalidEvaluationError } from "./errors.ts";

/** An input artifact in memory: the bytes of its safetensors layer and the licences that come with it. */
export type Input = { readonly bytes: Uint8Array; readonly licences: readonly string[] };

/** Loads models and data sets; each is downloaded once while it stays in the cache. */
export type Inputs = {
  /**
   * @param field names the input in an error.
   * @throws InvalidEvaluationError if the artifact is not of that kind; RpcError NOT_FOUND, DATA_LOSS from the catalog.
   */
  load(input: {
    readonly digest: string;
    readonly kind: "model" | "dataset";
    readonly field: string;
    readonly signal: AbortSignal;
  }): Promise<Input>;
};

type Loaded = Input & { readonly kind: ReadManifest["kind"] };

/** @param maxBytes the most that cached layers together may have. */
export function createInputs(artifacts: Artifacts, maxBytes: number): Inputs {
  const cache = createByteCache<Loaded>(maxBytes);
  const downloads = createSharedWork<never, Loaded>();

  async function download(digest: string, signal: AbortSignal): Promise<Loaded> {
    const artifact = await artifacts.get(digest, { signal });
    const { manifest, layer } = readable(artifact.manifest);
    const bytes = layer === undefined ? new Uint8Array() : await artifacts.download(layer, { signal });
    const loaded = { kind: manifest.kind, bytes, licences: manifest.licences };
    cache.set(digest, loaded, bytes.length);
    return loaded;
  }

  return {
    async load({ digest, kind, field, signal }) {
      const loaded = cache.get(digest) ?? (await downloads.run(digest, signal, (shared) => download(digest, shared)).catch(explain(field)));
      if (loaded.kind !== kind) throw new InvalidEvaluationError([{ field, description: `is a ${loaded.kind}; it has to be a ${kind}` }]);
      return loaded;
    },
  };
}

/** An artifact of an earlier version may be one that nobody can read. */
class UnreadableError extends Error {}

function readable(bytes: Uint8Array): { manifest: ReadManifest; layer: string | undefined } {
  try {
    const manifest = readManifest(bytes);
    return { manifest, layer: dataLayer(manifest) };
  } catch (cause) {
    throw cause instanceof ManifestError || cause instanceof RecipeError ? new UnreadableError(cause.message, { cause }) : cause;
  }
}

function explain(field: string) {
  return (error: unknown): never => {
    if (!(error instanceof UnreadableError)) throw error;
    throw new InvalidEvaluationError([{ field, description: `cannot be read: ${error.message}` }], { cause: error });
  };
}

/** The digest of the safetensors layer, where the kind of artifact has one. */
function dataLayer(manifest: ReadManifest): string | undefined {
  if (manifest.kind === "model") return layerOf(manifest, mediaTypes.weights).digest;
  if (manifest.kind === "dataset") return layerOf(manifest, mediaTypes.datasetLayer).digest;
  return undefined;
}
