import { canonicalJson, type Digest, digestOf, type Json } from "./canonical.ts";
import { joinLicences } from "./licences.ts";
import { annotations, mediaTypes } from "./media-types.ts";
import { canonicalRecipe, type Recipe, recipeKey } from "./recipe.ts";
import type { TrainingSummary } from "./results.ts";

/** What an OCI manifest says of one blob. */
export type Descriptor = {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
  readonly annotations?: { readonly [name: string]: string };
};

/** A manifest to publish: its bytes, their digest, and the config blob that has to be stored with it. */
export type BuiltManifest = { readonly manifest: Uint8Array; readonly digest: Digest; readonly config: Uint8Array };

type Common = { readonly recipe: Recipe; readonly licences: readonly string[] };

/**
 * The ModelPack manifest of a model. It depends on nothing but its arguments: no time, no host, no author.
 * @param weights descriptor of the safetensors blob.
 * @param training descriptor of training.json, where the model was trained.
 * @param architecture for example "mlp"; `parameterCount` counts numbers in the weights.
 * @param dtype the type of most of them, as safetensors spells it; F32 unless given.
 * @example
 * ```ts
 * const weights = { mediaType: mediaTypes.weights, digest: digestOf("weights"), size: 7 };
 * const inputs = { models: [digestOf("a"), digestOf("b")] };
 * const recipe = { kind: "average", inputs, parameters: { method: "uniform" }, arithmetic: "exact-mean/1" } as const;
 * const { manifest, digest } = buildModelManifest({ recipe, licences: ["MIT"], weights, architecture: "mlp", parameterCount: 1 });
 * digestOf(manifest) === digest; // true
 * readManifest(manifest).licences; // ["MIT"]
 * ```
 */
export function buildModelManifest(model: {
  readonly recipe: Recipe;
  readonly licences: readonly string[];
  readonly weights: Descriptor;
  readonly training?: Descriptor;
  readonly summary?: TrainingSummary | { readonly [name: string]: Json };
  readonly architecture: string;
  readonly parameterCount: number;
  readonly dtype?: string | undefined;
}): BuiltManifest {
  const layers = [named(model.weights, "model.safetensors"), ...(model.training ? [named(model.training, "training.json")] : [])];
  const precision = precisions[model.dtype ?? "F32"] ?? "mixed";
  const config = {
    config: { architecture: model.architecture, format: "safetensors", paramSize: String(model.parameterCount), precision },
    descriptor: { family: model.architecture, licenses: [...new Set(model.licences)].sort() },
    modelfs: { diffIds: layers.map(({ digest }) => digest), type: "layers" },
  };
  return build(mediaTypes.model, mediaTypes.modelConfig, config, layers, model, model.summary);
}

/** The manifest of a model that came with a config of its own, whose bytes stay as they are, and with layers, one of them its weights. */
export function buildPackedModelManifest(
  model: Common & { readonly config: Uint8Array; readonly layers: readonly Descriptor[] },
): BuiltManifest {
  return build(mediaTypes.model, mediaTypes.modelConfig, model.config, model.layers, model);
}

/** ModelPack's names of types; it has none for others. */
const precisions: { readonly [dtype: string]: string } = { F64: "float64", F32: "float32", F16: "float16", BF16: "bfloat16" };

/**
 * The manifest of a data set: its safetensors layer, and the shards that its recipe made. Those of an import that it is an index over
 * are layers of that import.
 */
export function buildDatasetManifest({
  data,
  shards = [],
  ...dataset
}: Common & { readonly data: Descriptor; readonly shards?: readonly Descriptor[] }): BuiltManifest {
  return build(mediaTypes.dataset, mediaTypes.empty, {}, [named(data, "dataset.safetensors"), ...shards], dataset);
}

/** The manifest of a split: one safetensors layer. */
export function buildSplitManifest(split: Common & { readonly rows: Descriptor }): BuiltManifest {
  return build(mediaTypes.split, mediaTypes.empty, {}, [named(split.rows, "split.safetensors")], split);
}

/** The manifest of a prediction: one safetensors layer, and what its making says of it, such as its accuracy. */
export function buildPredictionManifest({
  logits,
  summary,
  ...prediction
}: Common & { readonly logits: Descriptor; readonly summary?: { readonly [name: string]: Json } }): BuiltManifest {
  return build(mediaTypes.prediction, mediaTypes.empty, {}, [named(logits, "prediction.safetensors")], prediction, summary);
}

/** The manifest of what images look like: one safetensors layer. */
export function buildLooksManifest(looks: Common & { readonly hashes: Descriptor }): BuiltManifest {
  return build(mediaTypes.looks, mediaTypes.empty, {}, [named(looks.hashes, "looks.safetensors")], looks);
}

/** The manifest of an evaluation: one JSON layer. */
export function buildEvaluationManifest(evaluation: Common & { readonly result: Descriptor }): BuiltManifest {
  return build(mediaTypes.evaluation, mediaTypes.empty, {}, [named(evaluation.result, "evaluation.json")], evaluation);
}

/** The manifest of imported files; each descriptor carries its file name as title annotation. */
export function buildSourceManifest(source: Common & { readonly files: readonly Descriptor[] }): BuiltManifest {
  return build(mediaTypes.source, mediaTypes.empty, {}, source.files, source);
}

function named(layer: Descriptor, title: string): Descriptor {
  return {
    mediaType: layer.mediaType,
    digest: layer.digest,
    size: layer.size,
    annotations: { [annotations.title]: title, [annotations.modelPath]: title },
  };
}

function build(
  artifactType: string,
  configType: string,
  config: Json | Uint8Array,
  layers: readonly Descriptor[],
  { recipe, licences }: Common,
  summary?: TrainingSummary | { readonly [name: string]: Json },
): BuiltManifest {
  const configBytes = config instanceof Uint8Array ? config : new TextEncoder().encode(canonicalJson(config));
  const text = canonicalJson({
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    artifactType,
    config: { mediaType: configType, digest: digestOf(configBytes), size: configBytes.length },
    layers: layers as unknown as Json,
    annotations: {
      [annotations.recipe]: canonicalRecipe(recipe),
      [annotations.recipeKey]: recipeKey(recipe),
      [annotations.licences]: joinLicences(licences),
      ...(summary ? { [annotations.summary]: canonicalJson(summary as Json) } : {}),
    },
  });
  const manifest = new TextEncoder().encode(text);
  return { manifest, digest: digestOf(manifest), config: configBytes };
}
