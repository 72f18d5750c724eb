import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { INDEX_NAME, type ModelFiles } from "#libs/models";
import type { Json } from "#libs/recipes";
import type { Dtype } from "#libs/tensors";
import type { MergeFacts } from "./merge-facts.ts";
import { recipeText } from "./merge-facts.ts";
import type { SideFile } from "./side-files.ts";

/** What a model needs beside its weights and its configuration: tokenizers, preprocessors, defaults of generation. */
const COPIED =
  /^(tokenizer.*|special_tokens_map\.json|added_tokens\.json|vocab\..*|merges\.txt|.*\.(spm|tiktoken|model)|sentencepiece.*|chat_template.*|(pre)?processor_config\.json|preprocessor_config\.json|video_preprocessor_config\.json|image_processor.*\.json|feature_extractor.*\.json|generation_config\.json|labels?\.(txt|json))$/;

/** Of these, what a tokenizer is. */
const TOKENIZER =
  /^(tokenizer.*|special_tokens_map\.json|added_tokens\.json|vocab\..*|merges\.txt|.*\.(spm|tiktoken|model)|sentencepiece.*|chat_template.*)$/;

/** Whether a file of a model's folder belongs to its tokenizer. */
export function isOfTokenizer(name: string): boolean {
  return TOKENIZER.test(name);
}

/** PyTorch's names of the types that averages are written in. */
const torchNames: { readonly [D in Dtype]?: string } = { F64: "float64", F32: "float32", F16: "float16", BF16: "bfloat16" };

/**
 * The files of a model folder beside the weights: the index of the shards, config.json with the type of the result, what belongs to it from
 * the folder of the base or of the first model that is one, recipe.json, and a model card.
 */
export async function folderFiles(
  facts: MergeFacts,
  {
    name,
    sources,
    index,
    isAdapter,
  }: {
    /** Title of the card. */
    readonly name: string;
    /** Models to copy from: the first that is a folder. */
    readonly sources: readonly ModelFiles[];
    readonly index: string | undefined;
    /** The result is an adapter, which brings its configuration along. */
    readonly isAdapter: boolean;
  },
): Promise<SideFile[]> {
  const source = isAdapter ? undefined : sources.find(({ kind, config }) => kind === "folder" && config !== undefined);
  const config = source?.config && configWith(source.config, facts.dtype);
  // Loaded only where a folder is written.
  const { mergeCard } = await import("./merge-card.ts");
  return [
    ...(index === undefined ? [] : [{ name: INDEX_NAME, content: index }]),
    ...(config === undefined ? [] : [{ name: "config.json", content: `${JSON.stringify(config, null, 2)}\n` }]),
    ...(source === undefined ? [] : await copies(source.path)),
    { name: "README.md", content: mergeCard(facts, { name, library: isAdapter ? "peft" : libraryOf(config), isAdapter }) },
    { name: "recipe.json", content: recipeText(facts) },
  ];
}

/** A configuration for weights of another type. transformers 5 says dtype, before it torch_dtype. */
function configWith(config: { readonly [name: string]: Json }, dtype: string): { readonly [name: string]: Json } {
  const torch = torchNames[dtype as Dtype];
  // Where the source was loaded from, on somebody's machine.
  const { _name_or_path, ...rest } = config;
  if (torch === undefined) return rest;
  const keys = ["dtype", "torch_dtype"].filter((key) => key in rest);
  return { ...rest, ...Object.fromEntries((keys.length > 0 ? keys : ["torch_dtype"]).map((key) => [key, torch])) };
}

/** The files of a folder that a model needs beside its weights and its configuration. */
export async function copies(folder: string): Promise<SideFile[]> {
  const names = (await readdir(folder)).filter((name) => COPIED.test(name)).sort();
  return Promise.all(names.map(async (name) => ({ name, content: new Uint8Array(await readFile(join(folder, name))) })));
}

function libraryOf(config: { readonly [name: string]: Json } | undefined): string | undefined {
  if (config === undefined) return undefined;
  if ("_diffusers_version" in config) return "diffusers";
  if ("pretrained_cfg" in config) return "timm";
  return "model_type" in config ? "transformers" : undefined;
}
