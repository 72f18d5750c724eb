import {
  checkConfig,
  checkManifest,
  configEquals,
  type Descriptor,
  layerOf,
  ManifestError,
  manifestEquals,
  mediaTypes,
  type ReadManifest,
  RecipeError,
} from "#libs/recipes";
import { BlobMissingError, type BlobStore, CorruptBlobError } from "#libs/storage";
import { fileSource, openSafetensors, SafetensorsError } from "#libs/tensors";

/** A config is read whole; those of large models have a few kilobytes. A result travels in one message. */
const MOST_BYTES = { config: 1 << 20, layers: 3 << 20 };

/** The layers that are safetensors, by kind of artifact. */
export const safetensorsLayers: { readonly [kind: string]: string | undefined } = {
  model: mediaTypes.weights,
  dataset: mediaTypes.datasetLayer,
  split: mediaTypes.splitLayer,
  prediction: mediaTypes.predictionLayer,
  looks: mediaTypes.looksLayer,
};

/** Files of blobs: what they hold is read past the memory of who was seen to be right. */
type Files = Pick<BlobStore, "read" | "path" | "stat">;

/**
 * Whether an artifact can be used: its config says what its readers ask for, weights and data are safetensors, results are JSON. Reads the
 * config, headers and results; no weights.
 * @throws ManifestError naming the blob; what the store throws where one is not there.
 */
export async function checkContents(manifest: ReadManifest, store: Files): Promise<void> {
  const { kind, config } = manifest;
  checkConfig(kind, await readSmall(config, "config", store));
  const layer = safetensorsLayers[kind];
  if (layer !== undefined) await checkSafetensors(layerOf(manifest, layer), store);
  if (kind === "evaluation") await checkResult(manifest, store);
}

async function checkSafetensors({ digest, mediaType }: Descriptor, store: Files): Promise<void> {
  if (!(await store.stat(digest))) throw new BlobMissingError(digest);
  await using source = await fileSource(store.path(digest));
  try {
    await openSafetensors(source);
  } catch (cause) {
    if (!(cause instanceof SafetensorsError)) throw cause;
    throw new ManifestError(`blob ${digest} of type ${mediaType} is no safetensors file: ${cause.message}`, { field: "layers", cause });
  }
}

async function checkResult(manifest: ReadManifest, store: Files): Promise<void> {
  const layer = layerOf(manifest, mediaTypes.evaluationLayer);
  const text = new TextDecoder().decode(await readSmall(layer, "layers", store));
  const measured = manifest.recipe.parameters["measure"];
  try {
    if ((JSON.parse(text) as { readonly measure?: unknown } | null)?.measure === measured) return;
  } catch (cause) {
    throw new ManifestError(`blob ${layer.digest} is not JSON`, { field: "layers", cause });
  }
  throw new ManifestError(`blob ${layer.digest} is no result of the measure ${measured}`, { field: "layers" });
}

/** The bytes of a config (`field` "config") or of a result ("layers"). @throws ManifestError naming the field where it is too large to be one */
export async function readSmall({ digest, size }: Descriptor, field: "config" | "layers", store: Pick<Files, "read">): Promise<Uint8Array> {
  const most = MOST_BYTES[field];
  if (size > most) throw new ManifestError(`blob ${digest} has ${size} bytes, at most ${most} are allowed`, { field });
  return Buffer.concat(await Array.fromAsync(store.read(digest)));
}

/** Whether a manifest, or a blob of it, is not what it should be. */
export function isUnusable(error: unknown): boolean {
  return [ManifestError, RecipeError, BlobMissingError, CorruptBlobError, SyntaxError].some((kind) => error instanceof kind);
}

/** How a published artifact and one that is offered for the same recipe go together. */
export type Rivalry =
  /** They say the same in other words: other spaces, another order of names. */
  | "same"
  /** The published one cannot be used, by what is asked of an artifact today. */
  | "unusable"
  | "other";

/** Compares a published artifact with an offered one that has the same recipe and can be used. */
export async function compareArtifacts(
  published: Uint8Array,
  offered: { bytes: Uint8Array; manifest: ReadManifest },
  store: Files,
): Promise<Rivalry> {
  let manifest: ReadManifest;
  let config: Uint8Array;
  try {
    manifest = checkManifest(published);
    await checkContents(manifest, store);
    config = await readSmall(manifest.config, "config", store);
  } catch (error) {
    if (isUnusable(error)) return "unusable";
    throw error;
  }
  if (!manifestEquals(published, offered.bytes)) return "other";
  const theirs = await readSmall(offered.manifest.config, "config", store);
  return configEquals(config, theirs) ? "same" : "other";
}
