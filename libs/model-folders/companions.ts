import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { formatByName, isTorchName, ModelError, type ModelFiles, modulesOf, strangeText } from "#libs/models";
import { digestOf } from "#libs/recipes";
import type { SideFile } from "./side-files.ts";

/** Larger files are none that a model needs beside its weights: the largest tokenizers have some 35 MB. */
const MOST_BYTES = 128 << 20;

/** What is written anew for every model, what trainers leave, what only people look at: everything else may be needed to load a model. */
const LEFT_OUT =
  /^(\..*|config\.json|adapter_config\.json|recipe\.json|mergekit_config\.yml|.*\.(md|log|png|jpe?g|gif|webp|svg|mp4|wav|mp3|pdf|ipynb|parquet|csv)|LICEN[CS]E.*|COPYING.*|NOTICE.*|USE_POLICY.*|trainer_state\.json|training_args.*|(all|train|eval|test|predict)_results.*\.json|optimizer.*|scheduler\.pt|rng_state.*|events\.out\..*|latest|zero_to_fp32\.py)$/i;

/** What of a model's folder is about its licence, and goes on with what is made of it. */
const LICENCE = /^(LICEN[CS]E|COPYING|NOTICE|USE_POLICY)([._-].*)?$/i;

/** A text of a licence is shorter: Llama's with its policy has 16 kB, the GPL 35. */
const MOST_LICENCE_BYTES = 1 << 20;

/** Weights, in whatever format, and what says where they are. */
const WEIGHTS = /\.(safetensors|ot|mlmodel|engine|tflite)$|\.(safetensors|bin|msgpack|h5)\.index.*\.json$/i;

/** What of a model's folder is its tokenizer. */
const TOKENIZER =
  /^(tokenizer.*|tokenization.*\.py|special_tokens_map\.json|added_tokens\.json|vocab\..*|merges\.txt|.*\.(spm|tiktoken|model|codes)|tekken\.json|normalizer\.json|sentencepiece.*|chat_template.*|additional_chat_templates\/.*)$/;

/**
 * Whether a file of a model's folder belongs to its tokenizer.
 * @example
 * ```ts
 * isOfTokenizer("tokenizer.json"); // true
 * isOfTokenizer("generation_config.json"); // false
 * ```
 */
export function isOfTokenizer(name: string): boolean {
  return TOKENIZER.test(name);
}

/**
 * The files of a model's folder that it may need beside its weights and its configuration: tokenizers, processors, chat templates, code of
 * its own, settings of libraries; with the folders that modules.json names, and chat templates in theirs. Names with "/" are in these.
 * @throws ModelError for one that is a pointer of Git LFS or a web page: the model would not load with it
 * @example
 * ```ts
 * import { writeFile } from "node:fs/promises";
 * import { temporaryDirectory } from "#libs/testing";
 * await using directory = await temporaryDirectory();
 * for (const name of ["config.json", "merges.txt", "README.md", "model.safetensors"]) await writeFile(directory.join(name), "{}");
 * const files = await companionsOf({ path: directory.path, name: "soup", kind: "folder" });
 * files.map(({ name }) => name); // ["merges.txt"]
 * ```
 */
export async function companionsOf({ path, name, kind }: Pick<ModelFiles, "path" | "name" | "kind">): Promise<SideFile[]> {
  if (kind !== "folder") return [];
  const files: SideFile[] = [];
  for (const file of await namesIn(path)) {
    const found = await stat(join(path, file));
    if (!found.isFile() || found.size > MOST_BYTES) continue;
    const content = new Uint8Array(await readFile(join(path, file)));
    const strange = strangeText(String.fromCharCode(...content.subarray(0, 64)), file);
    // A page may be one of the model's own; a name that ends so says that it is meant.
    if (strange !== undefined && !/\.html?$/i.test(file)) throw new ModelError("invalid", `${join(name, file)}: ${strange}`);
    files.push({ name: file, content });
  }
  return files;
}

/** The texts in a model's folder that are about its licence, by name. What is no text in UTF-8 is passed over. */
export async function licenceFilesOf({ path, kind }: Pick<ModelFiles, "path" | "kind">): Promise<{ name: string; content: string }[]> {
  if (kind === "file") return [];
  const names = (await readdir(path).catch((): string[] => [])).filter((name) => LICENCE.test(name)).sort();
  const files = await Promise.all(
    names.map(async (name) => {
      const found = await stat(join(path, name)).catch(() => undefined);
      if (!found?.isFile() || found.size > MOST_LICENCE_BYTES) return [];
      const content = textOf(await readFile(join(path, name)).catch(() => new Uint8Array()));
      return content.trim() === "" ? [] : [{ name, content }];
    }),
  );
  return files.flat();
}

/** Empty for what is no text. */
function textOf(bytes: Uint8Array): string {
  try {
    return bytes.includes(0) ? "" : new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return "";
  }
}

async function namesIn(path: string): Promise<string[]> {
  const folders = [...(await modulesOf(path)), "additional_chat_templates"];
  const top = (await readdir(path)).filter((name) => isNeeded(name));
  const below = await Promise.all(folders.map(async (folder) => (await filesBelow(join(path, folder))).map((name) => `${folder}/${name}`)));
  return [...top, ...below.flat()].sort();
}

function isNeeded(name: string): boolean {
  return !LEFT_OUT.test(name) && !WEIGHTS.test(name) && !isTorchName(name) && formatByName(name) === undefined;
}

/** In the folder of a module config.json is one of its own. */
async function filesBelow(path: string): Promise<string[]> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true }).catch(() => []);
  const files = entries.filter((entry) => !entry.isDirectory() && (entry.name === "config.json" || isNeeded(entry.name)));
  return files.map(({ parentPath, name }) => join(parentPath, name).slice(path.length + 1));
}

/**
 * What of several models beside their weights is not the same, in one sentence that says whose is taken; undefined where all is the same.
 * @param donor whose files go into the result
 */
export async function sayDifferences(
  donor: ModelFiles,
  files: readonly SideFile[],
  models: readonly ModelFiles[],
): Promise<string | undefined> {
  const own = new Map(files.map(({ name, content }) => [name, digestOf(content)]));
  const differing: string[] = [];
  for (const model of models) {
    if (model.path === donor.path || model.kind !== "folder") continue;
    const theirs = new Map((await companionsOf(model)).map(({ name, content }) => [name, digestOf(content)]));
    const other = [...own].filter(([name, digest]) => theirs.has(name) && theirs.get(name) !== digest).map(([name]) => name);
    const fields = differingFields(donor, model);
    if (fields.length > 0) other.unshift(`config.json (${listed(fields)})`);
    const only = [...theirs.keys()].filter((name) => !own.has(name));
    const missing = [...own.keys()].filter((name) => !theirs.has(name));
    const parts = [
      ...(other.length > 0 ? [`other ${listed(other)}`] : []),
      ...(missing.length > 0 ? [`no ${listed(missing)}`] : []),
      ...(only.length > 0 ? [`also ${listed(only)}, which the result does not have`] : []),
    ];
    if (parts.length > 0) differing.push(`${model.name} has ${parts.join(", ")}`);
  }
  if (differing.length === 0) return undefined;
  return `what lies beside the weights is that of ${donor.name}: ${differing.join("; ")}.`;
}

/** Fields that are written anew, or differ without meaning anything. */
const ASIDE = new Set(
  "_name_or_path transformers_version _diffusers_version dtype torch_dtype quantization_config tie_word_embeddings use_cache".split(" "),
);

function differingFields({ config: a = {} }: ModelFiles, { config: b }: ModelFiles): string[] {
  if (b === undefined) return [];
  const names = [...new Set([...Object.keys(a), ...Object.keys(b)])].filter((name) => !ASIDE.has(name));
  return names.filter((name) => JSON.stringify(a[name]) !== JSON.stringify(b[name])).sort();
}

const SHOWN = 6;

function listed(names: readonly string[]): string {
  const rest = names.length - SHOWN;
  return names.slice(0, SHOWN).join(", ") + (rest > 0 ? ` and ${rest} more` : "");
}
