import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Tokenizer } from "./description.ts";

// In the order in which they are looked for; Hugging Face's libraries read tokenizer.json where it is.
const FILES = ["tokenizer.json", "tokenizer.model", "spiece.model", "vocab.json", "vocab.txt"];
/** Larger files are compared by digest alone. The largest in use have some 35 MB. */
const LARGEST_READ_BYTES = 256 << 20;

/** The tokenizer in a model's folder, or undefined. */
export async function tokenizerIn(folder: string): Promise<Tokenizer | undefined> {
  for (const file of FILES) {
    const path = join(folder, file);
    const found = await stat(path).catch(() => undefined);
    if (!found?.isFile()) continue;
    const hash = createHash("sha256");
    for await (const chunk of createReadStream(path)) hash.update(chunk as Uint8Array);
    const digest = `sha256:${hash.digest("hex")}`;
    if (found.size > LARGEST_READ_BYTES) return { file, digest };
    return { file, digest, vocabulary: async () => readVocabulary(file, await readFile(path, "utf8")) };
  }
  return undefined;
}

/** Token to number, from the text of tokenizer.json, vocab.json or vocab.txt; undefined where it is none of them. */
function readVocabulary(file: string, text: string): Map<string, number> | undefined {
  if (file === "vocab.txt") {
    const lines = text.split(/\r?\n/);
    if (lines.at(-1) === "") lines.pop();
    return new Map(lines.map((token, id) => [token, id]));
  }
  if (!file.endsWith(".json")) return undefined;
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (file === "vocab.json") return numbered(json);
  const { model, added_tokens } = (json ?? {}) as { model?: { vocab?: unknown } | null; added_tokens?: unknown };
  const vocabulary = numbered(model?.vocab);
  for (const token of Array.isArray(added_tokens) ? added_tokens : []) {
    const { content, id } = (token ?? {}) as { content?: unknown; id?: unknown };
    if (typeof content === "string" && typeof id === "number") vocabulary?.set(content, id);
  }
  return vocabulary;
}

/** BPE and WordPiece have an object of numbers, Unigram a list of [token, score]. */
function numbered(vocab: unknown): Map<string, number> | undefined {
  if (Array.isArray(vocab)) return new Map(vocab.map((entry: unknown, id) => [String(Array.isArray(entry) ? entry[0] : entry), id]));
  if (typeof vocab !== "object" || vocab === null) return undefined;
  return new Map(Object.entries(vocab).filter((entry): entry is [string, number] => typeof entry[1] === "number"));
}
