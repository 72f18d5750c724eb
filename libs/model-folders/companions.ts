import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
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

/** The files of a folder that a model needs beside its weights and its configuration. */
export async function companionsOf(folder: string): Promise<SideFile[]> {
  const names = (await readdir(folder)).filter((name) => COPIED.test(name)).sort();
  return Promise.all(names.map(async (name) => ({ name, content: new Uint8Array(await readFile(join(folder, name))) })));
}
