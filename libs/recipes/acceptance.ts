import { artifactTypes } from "./artifact-kinds.ts";
import { canonicalJson, isDigest, type Json } from "./canonical.ts";
import type { ImportParameters } from "./kinds/import.ts";
import { kindNamed } from "./kinds/kinds.ts";
import { splitLicences } from "./licence-expression.ts";
import { foldLicences } from "./licences.ts";
import { annotations, mediaTypes } from "./media-types.ts";
import { parseRecipe } from "./parse-recipe.ts";
import { plainProblem } from "./plain.ts";
import { ManifestError, parseManifestJson, type ReadManifest, readManifest } from "./read-manifest.ts";

const MOST_ANNOTATIONS = 256;
const LONGEST_NAME = 256;
const LONGEST_PATH = 1000;
const LONGEST_SOURCE = 1000;
const LONGEST_LICENCE = 1000;
/** What SPDX expressions and Hugging Face's names consist of. Licences end up in cards and reports, so they hold no markup. */
const licenceText = /^[A-Za-z0-9][\w.+:(),/ -]*$|^\([\w.+:(),/ -]+$/;
const unprintable = /\p{Cc}|\p{Zl}|\p{Zp}/u;

/**
 * Reads a manifest that is to be published. Beyond what `readManifest` demands of any, it has to be one that everybody can open: an OCI
 * manifest whose kind its recipe makes, with one layer of data of its kind, annotations and names of bounded length, licences without
 * markup, and, of an import, a layer for every file that the recipe names. Bytes of blobs are not looked at. Recipes and artifacts of kinds
 * that this version does not know are taken as they are: who makes and who reads them knows more.
 * @throws ManifestError naming the field; RecipeError for a wrong field of the recipe.
 */
export function checkManifest(bytes: Uint8Array): ReadManifest {
  const value = parseManifestJson(bytes);
  const found = plainProblem(value);
  if (found) throw new ManifestError(found.problem, { field: found.path });
  const manifest = readManifest(bytes);
  if (value["schemaVersion"] !== 2) throw new ManifestError("expected 2", { field: "schemaVersion" });
  if ((value["mediaType"] ?? mediaTypes.manifest) !== mediaTypes.manifest) {
    throw new ManifestError(`expected ${mediaTypes.manifest}`, { field: "mediaType" });
  }
  checkAnnotations((value["annotations"] ?? {}) as { readonly [name: string]: string }, "annotations");
  manifest.layers.forEach((layer, i) => {
    checkAnnotations(layer.annotations ?? {}, `layers[${i}].annotations`);
  });
  const { kind, recipe } = manifest;
  const makes: readonly string[] | undefined = kindNamed(recipe.kind)?.makes;
  if (makes?.includes(kind) === false) {
    const what = kind === "unknown" ? "no kind that this version knows" : kind;
    throw new ManifestError(`is ${what}; a recipe of kind ${recipe.kind} makes ${makes.join(" or ")}`, { field: "artifactType" });
  }
  if (manifest.kind === "model" && manifest.config.mediaType !== mediaTypes.modelConfig) {
    throw new ManifestError(`expected ${mediaTypes.modelConfig}`, { field: "config.mediaType" });
  }
  const type = kind === "unknown" ? undefined : artifactTypes[kind].layer;
  const data = manifest.layers.filter(({ mediaType }) => mediaType === type).length;
  if (type === undefined ? manifest.layers.length === 0 : data !== 1) {
    const wanted = type === undefined ? "at least one layer" : `one layer of type ${type}, the ${kind} itself`;
    throw new ManifestError(`expected ${wanted}; there are ${data}`, { field: "layers" });
  }
  manifest.licences.forEach((licence) => {
    checkLicence(licence, `annotations.${annotations.licences}`);
  });
  if (recipe.kind === "import") checkImport(manifest, parseRecipe(recipe).parameters as unknown as ImportParameters);
  return manifest;
}

function checkAnnotations(notes: { readonly [name: string]: string }, field: string): void {
  const names = Object.keys(notes);
  if (names.length > MOST_ANNOTATIONS) throw new ManifestError(`at most ${MOST_ANNOTATIONS}, not ${names.length}`, { field });
  for (const name of names) {
    if (name === "" || name.length > LONGEST_NAME || unprintable.test(name)) {
      throw new ManifestError(`names have 1 to ${LONGEST_NAME} printable characters`, { field });
    }
  }
}

/** Whether a text may stand as a licence in a manifest: an SPDX expression, or a name of Hugging Face, of at most 1000 characters. */
export function isLicenceText(text: string): boolean {
  return text.length <= LONGEST_LICENCE && licenceText.test(text);
}

function checkLicence(licence: string, field: string): void {
  if (isLicenceText(licence)) return;
  throw new ManifestError(`expected an SPDX expression of at most ${LONGEST_LICENCE} characters; LicenseRef-unknown where none is known`, {
    field,
  });
}

/** What an import says has to be true of its layers, and to be good as the name of a file. */
function checkImport(manifest: ReadManifest, { files, licence, source }: ImportParameters): void {
  const field = `annotations.${annotations.recipe}.parameters`;
  const text = (value: string, name: string, longest: number) => {
    if (value.length >= 1 && value.length <= longest && !unprintable.test(value)) return;
    throw new ManifestError(`expected 1 to ${longest} printable characters`, { field: `${field}.${name}` });
  };
  text(source, "source", LONGEST_SOURCE);
  checkLicence(licence, `${field}.licence`);
  if (String(foldLicences([manifest.licences])) !== String(foldLicences([splitLicences(licence)]))) {
    throw new ManifestError(`the recipe's licence is ${licence}, and ${annotations.licences} says another`, { field: `${field}.licence` });
  }
  const layers = new Set(manifest.layers.map(({ digest, size }) => `${digest} ${size}`));
  const paths = new Set<string>();
  for (const [i, { path, digest, bytes }] of files.entries()) {
    text(path, `files.${i}.path`, LONGEST_PATH);
    if (paths.has(path)) throw new ManifestError("a file before it has the same path", { field: `${field}.files.${i}.path` });
    paths.add(path);
    if (path.split("/").some((part) => part === "" || part === "." || part === "..")) {
      throw new ManifestError("expected a relative path without . and ..", { field: `${field}.files.${i}.path` });
    }
    if (!isDigest(digest)) {
      throw new ManifestError("expected sha256: and 64 lower-case hexadecimal digits", { field: `${field}.files.${i}.digest` });
    }
    if (!layers.has(`${digest} ${bytes}`)) {
      throw new ManifestError(`no layer has the digest ${digest} and ${bytes} bytes`, { field: `${field}.files.${i}` });
    }
  }
  if (manifest.kind !== "model") return;
  const weights = manifest.layers.find(({ mediaType }) => mediaType === mediaTypes.weights);
  if (!files.some(({ digest }) => digest === weights?.digest)) {
    throw new ManifestError("none of the files are the weights of the model", { field: `${field}.files` });
  }
}

/**
 * What a model's config calls it, for example "mlp".
 * @throws ManifestError if it says nothing, or more than 200 characters.
 * @example
 * ```ts
 * architectureOf(new TextEncoder().encode('{"config": {"architecture": "mlp"}}')); // "mlp"
 * ```
 */
export function architectureOf(config: Uint8Array): string {
  const value = parseJson(config, "config") as { readonly config?: { readonly architecture?: unknown } } | null;
  const architecture = value?.config?.architecture;
  if (typeof architecture === "string" && architecture.length >= 1 && architecture.length <= 200 && !unprintable.test(architecture)) {
    return architecture;
  }
  throw new ManifestError('expected a text such as "mlp", or "unknown"', { field: "config.config.architecture" });
}

/** Checks the config blob of a manifest that is to be published. @throws ManifestError */
export function checkConfig(kind: ReadManifest["kind"], config: Uint8Array): void {
  if (kind === "model") architectureOf(config);
}

/**
 * Whether two manifests say the same but for the digests of their configs: other spaces, or another order of names.
 * @example
 * ```ts
 * const weights = { mediaType: mediaTypes.weights, digest: digestOf("weights"), size: 7 };
 * const recipe = { kind: "average", inputs: { models: [] }, parameters: { method: "uniform" } } as const;
 * const { manifest } = buildModelManifest({ recipe, licences: ["MIT"], weights, architecture: "mlp", parameterCount: 1 });
 * const indented = Buffer.from(JSON.stringify(JSON.parse(Buffer.from(manifest).toString()), null, 2));
 * manifestEquals(manifest, indented); // true
 * ```
 */
export function manifestEquals(one: Uint8Array, other: Uint8Array): boolean {
  return canonicalManifest(one) === canonicalManifest(other);
}

function canonicalManifest(bytes: Uint8Array): string {
  const { config, ...rest } = parseManifestJson(bytes) as { readonly [name: string]: Json };
  const { digest: _digest, size: _size, ...described } = config as { readonly [name: string]: Json };
  return canonicalJson({ ...rest, config: described });
}

/**
 * Whether two configs have the same bytes, or are the same JSON.
 * @example
 * ```ts
 * const utf8 = new TextEncoder();
 * configEquals(utf8.encode('{"a":1,"b":2}'), utf8.encode('{ "b": 2, "a": 1 }')); // true
 * ```
 */
export function configEquals(one: Uint8Array, other: Uint8Array): boolean {
  if (Buffer.compare(one, other) === 0) return true;
  try {
    return canonicalJson(parseJson(one, "config")) === canonicalJson(parseJson(other, "config"));
  } catch {
    return false;
  }
}

function parseJson(bytes: Uint8Array, field: string): Json {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new ManifestError("is not JSON", { field, cause });
  }
}
