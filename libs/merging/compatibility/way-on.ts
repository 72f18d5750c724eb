import { isAveraged, type Mismatch, type Structure } from "./structure.ts";

/** The sentence with what can be done about it: first where that is all that is to be said. */
export function withWayOn(code: Mismatch["code"], sentence: string, these: readonly Mismatch[], all: readonly Structure[]): string {
  const typesOf = (tensor: string) => all.flatMap(({ tensors }) => tensors.get(tensor)?.dtype ?? []);
  const without = sentence.replace(/\.$/, "");
  const names = these.map(({ tensor }) => tensor);
  if (code === "dtype" && names.every((name) => typesOf(name).every(isAveraged)))
    return `--dtype float32, bfloat16 or float16 averages them all the same, written in that type: ${lowerFirst(without)}.`;
  const pattern = patternOf(names, all);
  if ((code === "dtype" || (code === "missing" && names.every((name) => BUFFER.test(name)))) && pattern !== undefined)
    return `--exclude ${pattern} leaves ${names.length === 1 ? "it" : "them"} out of the result: ${lowerFirst(without)}${code === "missing" ? KEEP : ""}.`;
  if (code === "shape" && names.every((name) => EMBEDDING.test(name)))
    return `${without}: rows of embeddings are not moved from token to token here; --exclude leaves these tensors out.`;
  return sentence;
}

const KEEP = ", and to keep those of one model is not supported yet";

/** The one name, or a pattern for all of these that fits no other tensor. */
function patternOf(names: readonly string[], all: readonly Structure[]): string | undefined {
  if (names.length === 1) return names[0];
  const parts = names[0]!.split(".");
  for (let count = Math.min(3, parts.length - 1); count > 0; count--) {
    const end = `.${parts.slice(-count).join(".")}`;
    const fitting = new Set(all.flatMap(({ tensors }) => [...tensors.keys()].filter((name) => name.endsWith(end))));
    if (fitting.size === names.length && names.every((name) => fitting.has(name))) return `"*${end}"`;
  }
  return undefined;
}

/** What a model computes for itself where it is not stored. */
const BUFFER =
  /(^|\.)(inv_freq|rotary_\w+|position_ids|token_type_ids|masked_bias|(attn|attention)\.bias|relative_position_index|relative_coords_table|num_batches_tracked)$/;

/** Embeddings of tokens, and heads with a row for each token, as libraries call them. */
const EMBEDDING = /(^|\.)(embed_tokens|word_embeddings|wte|tok_embeddings|embed_in|embed_out|shared|lm_head)\.(weight|bias)$/;

/** Whether no tensor with a row for each token goes into the result. */
export function areEmbeddingsLeftOut(all: readonly Structure[], exclude: ReadonlySet<string>): boolean {
  const names = new Set(all.flatMap(({ tensors }) => [...tensors.keys()].filter((name) => EMBEDDING.test(name))));
  return names.size > 0 && [...names].every((name) => exclude.has(name));
}

function lowerFirst(text: string): string {
  return text.slice(0, 1).toLowerCase() + text.slice(1);
}
