import { type ArtifactKind, artifactKindOf } from "./artifact-kinds.ts";
import { type Digest, digestOf, isDigest, type Json } from "./canonical.ts";
import { parseEnvelope } from "./envelope.ts";
import { splitLicences } from "./licence-expression.ts";
import type { Descriptor } from "./manifest.ts";
import { annotations, mediaTypes } from "./media-types.ts";
import { type Recipe, recipeKey } from "./recipe.ts";

/** What a manifest says, as plain data. */
export type ReadManifest = {
  readonly digest: Digest;
  /** "unknown" of what a later version publishes. */
  readonly kind: ArtifactKind | "unknown";
  readonly recipe: Recipe;
  readonly recipeKey: Digest;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
  /** What the recipe's run says of itself, for example a TrainingSummary. */
  readonly summary: { readonly [name: string]: Json };
  /** What a model is for, such as "image-classification"; undefined where nothing is said. */
  readonly task: string | undefined;
  /** SPDX expressions of everything that went in, sorted; of an import that says nothing else, that of its recipe. */
  readonly licences: readonly string[];
};

/** A manifest that ratatouille cannot read, or that the catalog does not take. */
export class ManifestError extends Error {
  override readonly name = "ManifestError";
  /** What of the manifest is wrong, for example "layers[2].size"; empty for the whole. */
  readonly field: string;
  /** The message without the field. */
  readonly description: string;
  constructor(description: string, { field = "", ...options }: ErrorOptions & { readonly field?: string } = {}) {
    super(field === "" ? description : `${field}: ${description}`, options);
    this.field = field;
    this.description = description;
  }
}

/**
 * Reads a manifest and checks that its recipe has the form of one and that the key is the recipe's. Artifacts and recipes may be of kinds
 * that this version does not know.
 * @throws ManifestError saying what is wrong; RecipeError for a wrong field of the recipe.
 * @example
 * ```ts
 * const data = { mediaType: mediaTypes.sourceLayer, digest: digestOf("abc"), size: 3 };
 * const parameters = { files: [{ path: "abc.txt", digest: data.digest, bytes: 3 }], licence: "MIT", source: "https://example.org" };
 * const recipe = { kind: "import", inputs: {}, parameters } as const;
 * const { manifest } = buildSourceManifest({ recipe, licences: ["MIT"], files: [data] });
 * const read = readManifest(manifest);
 * [read.kind, read.licences, read.layers, read.recipeKey === recipeKey(recipe)]; // ["source", ["MIT"], [data], true]
 * ```
 */
export function readManifest(bytes: Uint8Array): ReadManifest {
  const value = parseManifestJson(bytes);
  const artifactType = value["artifactType"];
  if (typeof artifactType !== "string" || !/^application\/[\w.+-]{1,200}$/.test(artifactType)) {
    throw new ManifestError(`expected a media type, such as ${mediaTypes.model}`, { field: "artifactType" });
  }
  const notes = annotationsOf(value["annotations"], "annotations");
  const recipe = parseEnvelope(notes.get(annotations.recipe) ?? "");
  const key = recipeKey(recipe);
  if (notes.get(annotations.recipeKey) !== key)
    throw new ManifestError(`the recipe's key is ${key}, the sha-256 of its canonical text (RFC 8785)`, {
      field: `annotations.${annotations.recipeKey}`,
    });
  const layers = value["layers"];
  if (!Array.isArray(layers)) throw new ManifestError("expected a list", { field: "layers" });
  return {
    digest: digestOf(bytes),
    kind: artifactKindOf(artifactType) ?? "unknown",
    recipe,
    recipeKey: key,
    config: descriptor(value["config"], "config"),
    layers: layers.map((layer, i) => descriptor(layer, `layers[${i}]`)),
    summary: parseSummary(notes.get(annotations.summary)),
    task: notes.get(annotations.task),
    licences: splitLicences(notes.get(annotations.licences) ?? (recipe.kind === "import" ? String(recipe.parameters["licence"]) : "")),
  };
}

/** The JSON object that a manifest is. @throws ManifestError */
export function parseManifestJson(bytes: Uint8Array): { readonly [name: string]: unknown } {
  try {
    const value: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as { readonly [name: string]: unknown };
  } catch (cause) {
    throw new ManifestError("a manifest is JSON, this is not", { cause });
  }
  throw new ManifestError("a manifest is a JSON object, this is not");
}

function annotationsOf(value: unknown, field: string): ReadonlyMap<string, string> {
  if (value === undefined) return new Map();
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new ManifestError("expected an object of texts", { field });
  }
  return new Map(
    Object.entries(value).map(([name, text]: [string, unknown]) => {
      if (typeof text !== "string") throw new ManifestError("expected text", { field: `${field}.${name}` });
      return [name, text];
    }),
  );
}

function parseSummary(text = "{}"): { readonly [name: string]: Json } {
  const field = `annotations.${annotations.summary}`;
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as { readonly [name: string]: Json };
  } catch (cause) {
    throw new ManifestError("expected the JSON of an object", { field, cause });
  }
  throw new ManifestError("expected the JSON of an object", { field });
}

function descriptor(value: unknown, where: string): Descriptor {
  const { mediaType, digest, size, annotations } = (value ?? {}) as Partial<Descriptor>;
  if (typeof mediaType !== "string") throw new ManifestError("expected text", { field: `${where}.mediaType` });
  if (!isDigest(digest)) throw new ManifestError("expected sha256: and 64 lower-case hexadecimal digits", { field: `${where}.digest` });
  if (!Number.isSafeInteger(size) || (size as number) < 0)
    throw new ManifestError("expected a number of bytes", { field: `${where}.size` });
  const notes = annotationsOf(annotations, `${where}.annotations`);
  return { mediaType, digest, size: size as number, ...(notes.size > 0 ? { annotations: Object.fromEntries(notes) } : {}) };
}

/** The layer with a media type. @throws ManifestError if there is none. */
export function layerOf(manifest: ReadManifest, mediaType: string): Descriptor {
  const layer = manifest.layers.find((candidate) => candidate.mediaType === mediaType);
  if (!layer) throw new ManifestError(`artifact ${manifest.digest} has no layer of type ${mediaType}`);
  return layer;
}
