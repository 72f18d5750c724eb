import {
  annotations,
  architectureOf,
  type BuiltManifest,
  buildPackedModelManifest,
  buildSourceManifest,
  canonicalJson,
  type Descriptor,
  type Digest,
  foldLicences,
  isLicenceText,
  type Json,
  joinLicences,
  mediaTypes,
  type Recipe,
  splitLicences,
  UNKNOWN_LICENCE,
} from "#libs/recipes";
import { fewLines } from "#libs/text";
import { ociError } from "../errors.ts";
import type { OciDescriptor, OciManifest } from "./oci-manifest.ts";

/** What of a manifest is its own file in the envelope. */
const MANIFEST_PATH = "manifest.json";
const LONGEST_PATH = 500;
const unprintable = /\p{Cc}|\p{Zl}|\p{Zp}/u;
const weightTypes = "application/vnd.cncf.model.weight.v1.";

/** Whether a manifest says that it is a model: a ModelPack. */
function isModelPack({ artifactType, config }: OciManifest): boolean {
  return artifactType === mediaTypes.model || config?.mediaType === mediaTypes.modelConfig;
}

/**
 * The artifact of the catalog that a manifest becomes which was pushed and has no recipe of ours: an import, of the manifest itself and of
 * everything that it names. A ModelPack becomes a model, anything else a source. It depends on what was pushed alone, not on where to, so
 * the same manifest is always the same artifact.
 * @param config the bytes of the config; undefined for an index
 * @param parts what the manifest names, itself or through manifests that it names, config and layers
 * @throws HttpError 400 MANIFEST_INVALID where a ModelPack cannot be a model here
 */
export function envelopeOf(manifest: OciManifest, config: Uint8Array | undefined, parts: readonly OciDescriptor[]): BuiltManifest {
  const { digest, mediaType, bytes } = manifest;
  const own: Descriptor = { mediaType, digest, size: bytes.length };
  const files = filesOf([own, ...parts.filter(({ elsewhere }) => !elsewhere)]);
  const licences = licencesOf(manifest, config);
  const recipe: Recipe = {
    kind: "import",
    inputs: {},
    parameters: {
      files: files.map(({ path, layer }) => ({ path, digest: layer.digest, bytes: layer.size })),
      licence: joinLicences(licences),
      source: sourceOf(manifest),
    },
  };
  const layers = files.map(({ layer }) => layer);
  if (!isModelPack(manifest)) return buildSourceManifest({ recipe, licences, files: layers });
  checkWeights(manifest);
  return buildPackedModelManifest({ recipe, licences, config: withArchitecture(config), layers });
}

/** Each blob once, with a path that no other has: that of ModelPack or of oras where it is one, else its digest. */
function filesOf(parts: readonly (Descriptor & { readonly annotations?: Readonly<Record<string, string>> })[]) {
  const once = new Map(parts.map((part) => [part.digest, part]).reverse() as [Digest, Descriptor][]);
  const taken = new Set<string>();
  return [...once.values()].reverse().map(({ mediaType, digest, size, annotations: notes = {} }, i) => {
    const wanted = i === 0 ? MANIFEST_PATH : (notes[annotations.modelPath] ?? notes[annotations.title] ?? "");
    const path = isPath(wanted) && !taken.has(wanted) ? wanted : `blobs/${digest.replace(":", "/")}`;
    taken.add(path);
    return { path, layer: { mediaType, digest, size, annotations: { [annotations.title]: path, [annotations.modelPath]: path } } };
  });
}

function isPath(text: string): boolean {
  const words = text.split("/");
  return text.length <= LONGEST_PATH && !unprintable.test(text) && !words.some((word) => word === "" || word === "." || word === "..");
}

/** What the manifest says, or else the config of a ModelPack. */
function licencesOf({ annotations: notes }: OciManifest, config: Uint8Array | undefined): string[] {
  const { descriptor } = (config && parseConfig(config)) ?? {};
  const said = notes[annotations.licences];
  const all = said === undefined ? descriptor?.licenses : splitLicences(said);
  const licences = Array.isArray(all) ? all.filter((one): one is string => typeof one === "string" && isLicenceText(one)) : [];
  return licences.length > 0 ? foldLicences([splitLicences(joinLicences(licences))]) : [UNKNOWN_LICENCE];
}

function sourceOf({ annotations: notes }: OciManifest): string {
  const source = notes["org.opencontainers.image.source"] ?? "";
  return source !== "" && source.length <= LONGEST_PATH && !unprintable.test(source) ? source : "pushed to the OCI registry";
}

type Config = { readonly config?: { readonly architecture?: unknown }; readonly descriptor?: { readonly licenses?: unknown } };

function parseConfig(config: Uint8Array): Config | undefined {
  try {
    const value: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(config));
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

/** The catalog wants to know what a model is; ModelPack leaves it open. The config that was pushed is one of the files in any case. */
function withArchitecture(config: Uint8Array | undefined): Uint8Array {
  const value = config && parseConfig(config);
  if (config === undefined || value === undefined) throw invalid("config: is not the JSON of a ModelPack's config");
  try {
    architectureOf(config);
    return config;
  } catch {
    const completed = { ...value, config: { ...value.config, architecture: "unknown" } };
    return new TextEncoder().encode(canonicalJson(completed as Json));
  }
}

/** A model here is one safetensors file, as it is. */
function checkWeights({ layers }: OciManifest): void {
  const weights = layers.filter(({ mediaType }) => mediaType.startsWith(weightTypes));
  if (weights.length === 1 && weights[0]?.mediaType === mediaTypes.weights) return;
  const found = weights.length === 0 ? "none has weights" : `there are ${fewLines(weights.map(({ mediaType }) => mediaType)).join(", ")}`;
  throw invalid(`layers: a model here has its weights in one layer of type ${mediaTypes.weights}, a safetensors file; ${found}`);
}

function invalid(message: string) {
  return ociError(400, "MANIFEST_INVALID", message);
}
