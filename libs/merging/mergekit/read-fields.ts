import type { Dtype } from "#libs/tensors";
import type { MergekitConfig, TokenizerSource } from "./config.ts";
import { type Field, fields, positionOf, quoted, type Reading, scalar, text, wrong } from "./nodes.ts";
import { readReference } from "./references.ts";

const TYPES: { readonly [name: string]: Dtype } = { float64: "F64", float32: "F32", float16: "F16", bfloat16: "BF16" };

/** dtype and out_dtype, as PyTorch names types. */
export function readType(reading: Reading, place: Field | undefined): Dtype | undefined {
  const name = place && text(reading, place);
  if (name === undefined) return undefined;
  const known = name.replace(/^torch\./, "");
  if (Object.hasOwn(TYPES, known)) return TYPES[known];
  return wrong(reading, place!, `must be one of ${quoted(Object.keys(TYPES))}, not \`${name}\``);
}

/** random_seed. */
export function readSeed(reading: Reading, place: Field | undefined): number | undefined {
  const value = place && scalar(reading, place, "a whole number");
  if (value === undefined) return undefined;
  if (Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 0xffffffff) return value as number;
  return wrong(reading, place!, `must be a whole number from 0 to 4294967295, not \`${value}\``);
}

/** tokenizer_source, or `source` of tokenizer. */
export function readTokenizer(reading: Reading, source: Field | undefined, tokenizer: Field | undefined): TokenizerSource | undefined {
  if (source !== undefined && tokenizer !== undefined)
    return wrong(reading, tokenizer, "is given, and `tokenizer_source` too: one of them is enough");
  if (source !== undefined) return readTokenizerSource(reading, source);
  if (tokenizer === undefined) return undefined;
  const found = fields(reading, tokenizer, ["source"], {
    tokens: "rows of embeddings are not made for single tokens here",
    pad_to_multiple_of: "embeddings keep the shape that the models have",
  });
  if (found === undefined) return undefined;
  const inner = found.get("source");
  return inner === undefined ? { from: "union", ...positionOf(reading, tokenizer.node) } : readTokenizerSource(reading, inner);
}

function readTokenizerSource(reading: Reading, place: Field): TokenizerSource | undefined {
  const reference = readReference(reading, place);
  if (reference === undefined) return undefined;
  const { text: name, line, column } = reference;
  return { from: name === "base" || name === "union" ? name : reference, line, column };
}

/** chat_template: only auto, at its place. */
export function readChatTemplate(reading: Reading, place: Field | undefined): MergekitConfig["chatTemplate"] {
  const value = place && text(reading, place);
  if (value === undefined) return undefined;
  if (value === "auto") return positionOf(reading, place!.node);
  const short = value.length > 30 || value.includes("\n") ? "a template" : `\`${value}\``;
  return wrong(
    reading,
    place!,
    `is ${short}, and only \`auto\` is taken: the template is copied with the tokenizer; put another one into tokenizer_config.json`,
  );
}
