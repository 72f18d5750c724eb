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
import { ociError } from "../errors.ts";
import type { OciDescriptor, OciManifest } from "./oci-manifest.ts";

/** What of a manifest is its own file in the envelope. */
const MANIFEST_PATH = "manifest.json";
const LONGEST_PATH = 500;
const unprintable = /\p{Cc}|\p{Zl}|\p{Zp}/u;

/** Whether a manifest says that it is a model: a ModelPack. */
export function isModelPack({ artifactType, config }: OciManifest): boolean {
  return artifactType === mediaTypes.model || config?.mediaType === mediaTypes.modelConfig;
}

/**
 * The artifact of the catalog that a manifest becomes which was pushed and has no recipe of ours: an import, of the manifest itself and of
 * everything that it names. A ModelPack becomes a model, anything else a source. It depends on what was pushed alone, not on where to, so
 * the same manifest is always the same artifact.
 * @param named what it names: the bytes of its config, unless it is an index; descriptors of config and layers, its own and those of manifests
 * that it names; and, of a ModelPack, the safetensors file with its weights, which may be none of the layers
 * @throws HttpError 400 MANIFEST_INVALID for a config that is none
 */
export function envelopeOf(
  manifest: OciManifest,
  named: { readonly config: Uint8Array | undefined; readonly parts: readonly OciDescriptor[]; readonly weights: Descriptor | undefined },
): BuiltManifest {
  const { digest, mediaType, bytes } = manifest;
  const { config, parts, weights } = named;
  const own: Descriptor = { mediaType, digest, size: bytes.length };
  const here = parts.filter(({ elsewhere }) => !elsewhere).map((part) => retyped(part, weights));
  const files = filesOf([own, ...here, ...(weights ? [weights] : [])]);
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
  return buildPackedModelManifest({ recipe, licences, config: withArchitecture(config), layers });
}

/** The catalog takes the one layer that has the type of weights for the model: others that were pushed with it are files. */
function retyped(part: OciDescriptor, weights: Descriptor | undefined): OciDescriptor {
  const other = weights !== undefined && part.mediaType === mediaTypes.weights && part.digest !== weights.digest;
  return other ? { ...part, mediaType: mediaTypes.sourceLayer } : part;
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

function invalid(message: string) {
  return ociError(400, "MANIFEST_INVALID", message);
}
