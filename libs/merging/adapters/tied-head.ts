import { type ModelFiles, parseWritten, textOfWritten, valueOfWritten, type WrittenObject, withTying } from "#libs/models";
import type { Json } from "#libs/recipes";
import type { Lora } from "./lora.ts";
import type { AdapterConfig } from "./lora-config.ts";

/** A base whose head is its embedding: what they are called. There is no tensor for the head. */
export type TiedHead = { readonly embedding: string; readonly head: string };

const EMBEDDING = /(^|\.)(embed_tokens|wte|word_embeddings|shared|embed_in|tok_embeddings)\.weight$/;
const HEAD = /(^|\.)(lm_head|embed_out|proj_out|output)\.weight$/;
const WITH_HEAD = /(ForCausalLM|LMHeadModel|ForConditionalGeneration|ForMaskedLM)$/;

/**
 * The head of a base that is its embedding, where adapters changed one of both. PEFT adapts the embedding and the head each for itself
 * (without ensure_weight_tying), so that they are two tensors from then on. Undefined where nothing is tied or nothing of it changed.
 */
export function tiedHead(base: ModelFiles, loras: readonly Lora[]): TiedHead | undefined {
  if (!isTied(base)) return undefined;
  const changed = new Set(loras.flatMap(({ modules, saved, under }) => [...modules.keys(), ...saved.keys(), ...under.keys()]));
  const embeddings = [...base.tensors.keys()].filter((name) => EMBEDDING.test(name));
  const embedding = embeddings.find((name) => name.endsWith("shared.weight")) ?? (embeddings.length === 1 ? embeddings[0] : undefined);
  if (embedding === undefined) return undefined;
  const named = [...changed].find((name) => HEAD.test(name) && !base.tensors.has(name));
  if (named !== undefined) return { embedding, head: named };
  const head = `${/^language_model\./.exec(embedding)?.[0] ?? ""}lm_head.weight`;
  return changed.has(embedding) && !base.tensors.has(head) ? { embedding, head } : undefined;
}

/** A model whose head has a tensor of its own: its configuration says so. */
export function untied<M extends Pick<ModelFiles, "config" | "configText">>(model: M): M {
  if (model.configText === undefined) return model;
  const config = withTying(parseWritten(model.configText) as WrittenObject, false);
  return { ...model, config: valueOfWritten(config) as AdapterConfig, configText: textOfWritten(config) };
}

/** As transformers has it: tied unless the configuration says otherwise, where the model has a head at all. */
function isTied({ config }: ModelFiles): boolean {
  if (config === undefined) return false;
  const text = config["text_config"];
  const inner = isObject(text) ? text["tie_word_embeddings"] : undefined;
  const says = config["tie_word_embeddings"] ?? inner;
  if (typeof says === "boolean") return says;
  const names = config["architectures"];
  return Array.isArray(names) && names.some((name) => typeof name === "string" && WITH_HEAD.test(name));
}

function isObject(value: Json | undefined): value is { readonly [name: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
