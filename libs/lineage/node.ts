import { type Digest, inputsByRole, type Json, joinLicences, layerOf, mediaTypes, type ReadManifest, readManifest } from "#libs/recipes";

/** One artifact of a lineage, as its exports tell of it. */
export type LineageNode = {
  readonly digest: Digest;
  readonly kind: ReadManifest["kind"];
  /** A ref or tag, or what it is: "model 0123456789ab". */
  readonly name: string;
  /** SPDX expression; undefined where none is stated. */
  readonly licence: string | undefined;
  /** Of the weights, for models; of the manifest, for others. */
  readonly content: Digest;
  readonly recipe: ReadManifest["recipe"];
  readonly recipeKey: Digest;
  readonly inputs: readonly { readonly role: string; readonly digest: Digest }[];
  readonly architecture: string | undefined;
  readonly task: string | undefined;
  readonly metrics: readonly { readonly name: string; readonly value: number }[];
};

/**
 * An artifact as its manifest and the catalog tell of it. @throws ManifestError
 * @example
 * ```ts
 * import { buildSourceManifest, digestOf, mediaTypes } from "#libs/recipes";
 * const file = { mediaType: mediaTypes.sourceLayer, digest: digestOf("abc"), size: 3 };
 * const parameters = { files: [{ path: "abc.txt", digest: file.digest, bytes: 3 }], licence: "MIT", source: "https://example.org" };
 * const { manifest } = buildSourceManifest({ recipe: { kind: "import", inputs: {}, parameters }, licences: ["MIT"], files: [file] });
 * const node = lineageNode({ manifest, names: ["birds/photos"] });
 * [node.name, node.kind, node.licence]; // ["birds/photos", "source", "MIT"]
 * ```
 */
export function lineageNode({
  manifest: bytes,
  names = [],
  architecture,
  metrics = [],
}: {
  readonly manifest: Uint8Array;
  readonly names?: readonly string[];
  readonly architecture?: string | undefined;
  readonly metrics?: LineageNode["metrics"];
}): LineageNode {
  const manifest = readManifest(bytes);
  const { digest, kind, recipe, recipeKey, licences, task } = manifest;
  return {
    digest,
    kind,
    name: names[0] ?? `${kind === "unknown" ? recipe.kind : kind} ${digest.slice("sha256:".length, "sha256:".length + 12)}`,
    licence: licences.length === 0 ? undefined : joinLicences(licences),
    content: kind === "model" ? layerOf(manifest, mediaTypes.weights).digest : digest,
    recipe,
    recipeKey,
    inputs: inputsByRole(recipe),
    architecture,
    task,
    metrics,
  };
}

/** The hexadecimal digits of a digest. */
export function hexOf(digest: Digest): string {
  return digest.slice("sha256:".length);
}

/** What people read of a recipe besides its inputs. */
export function parameterTexts({ recipe }: LineageNode): [name: string, value: string][] {
  return Object.entries(recipe.parameters).flatMap(([name, value]) => (isPlain(value) ? [[name, String(value)]] : []));
}

function isPlain(value: Json): value is string | number | boolean {
  return ["string", "number", "boolean"].includes(typeof value);
}
