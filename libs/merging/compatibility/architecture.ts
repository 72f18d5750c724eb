import { canonicalJson, type Json } from "#libs/recipes";
import { type Description, groupModels, namesOf, sayGroups } from "./description.ts";
import { type Finding, finding } from "./report.ts";

/**
 * Fields of config.json that say what the network is. Two models that differ in one are two networks, even where all shapes agree:
 * the same matrix is cut into other heads, or other layers follow. Names are those of Hugging Face's configurations.
 */
const IDENTITY = new Set(
  `architectures model_type architecture hidden_size n_embd d_model embed_dim dim num_hidden_layers n_layer num_layers encoder_layers decoder_layers
  num_attention_heads n_head num_heads num_key_value_heads head_dim intermediate_size ffn_dim n_inner patch_size num_channels vocab_size
  num_local_experts num_experts num_experts_per_tok n_routed_experts conv_kernel state_size widths hidden_sizes depths`.split(/\s+/),
);

/** Fields that change what the network computes with its weights: averaging goes on, but somebody should know. */
const SETTINGS = new Set(
  `hidden_act hidden_activation activation_function rms_norm_eps layer_norm_eps layer_norm_epsilon rope_theta rope_scaling rope_parameters
  tie_word_embeddings image_size max_position_embeddings position_embedding_type sliding_window attention_bias mlp_bias qkv_bias
  scale_embedding pooler_act norm_type num_labels problem_type`.split(/\s+/),
);

/** Fields that say what the heads and the embeddings are, of which the rest of the network is independent. */
const OF_HEADS = new Set(["architectures", "vocab_size", "num_labels", "problem_type"]);

// Configurations of several towers nest theirs (text_config, vision_config), hardly deeper.
const MAX_DEPTH = 3;

/**
 * What config.json says of the networks: other classes and sizes are errors, other settings warnings.
 * @param fitsApart tensors are left out, and all others fit: so may the heads differ, and how many rows embeddings have
 * @param headsSettled whether heads are embeddings may differ: that was settled
 */
export function* compareArchitectures(
  models: readonly Description[],
  { fitsApart = false, headsSettled = false } = {},
): Generator<Finding> {
  const configured = models.filter(({ config }) => config !== undefined);
  const fields = new Map(configured.map((model) => [model, flatten(model.config!)]));
  const names = new Set([...fields.values()].flatMap((flat) => [...flat.keys()]));
  for (const name of [...names].sort()) {
    const groups = groupModels(configured, (model) => fields.get(model)!.get(name));
    // A field that only some write has its default in the others; what that is, their library knows.
    if (groups.size < 2) continue;
    if (headsSettled && /(^|\.)tie_word_embeddings$/.test(name)) continue;
    if (fitsApart && OF_HEADS.has(name.slice(name.lastIndexOf(".") + 1))) {
      const sentence = `config.json: ${name} is ${sayGroups(groups)}; the tensors that are left out may be why.`;
      yield finding("note", "architecture", sentence, { models: configured.map((model) => model.name) });
      continue;
    }
    const identity = IDENTITY.has(name.slice(name.lastIndexOf(".") + 1));
    yield finding(identity ? "error" : "warning", identity ? "architecture" : "settings", `config.json: ${name} is ${sayGroups(groups)}.`, {
      models: configured.map((model) => model.name),
    });
  }
  const without = models.filter(({ config }) => config === undefined);
  if (configured.length > 0 && without.length > 0) {
    yield finding("note", "architecture", `No config.json says what ${namesOf(without)} ${without.length === 1 ? "is" : "are"}.`, {
      models: without.map(({ name }) => name),
    });
  }
}

/** What a model calls its network, for a summary. */
export function architectureOf({ config }: Description): string | undefined {
  const [first] = Array.isArray(config?.["architectures"]) ? config["architectures"] : [];
  const name = first ?? config?.["model_type"] ?? config?.["architecture"];
  return typeof name === "string" ? name : undefined;
}

/** The fields that matter, by dotted path, as JSON. */
function flatten(config: { readonly [name: string]: Json }, prefix = "", depth = 0): Map<string, string> {
  const flat = new Map<string, string>();
  for (const [name, value] of Object.entries(config)) {
    if (IDENTITY.has(name) || SETTINGS.has(name)) {
      if (value !== null) flat.set(prefix + name, canonicalJson(finite(value)));
    } else if (/_config$/.test(name) && typeof value === "object" && value !== null && !Array.isArray(value) && depth < MAX_DEPTH) {
      for (const [key, text] of flatten(value as { readonly [name: string]: Json }, `${prefix}${name}.`, depth + 1)) flat.set(key, text);
    }
  }
  return flat;
}

/** JSON has no number that is not finite; Python writes some. */
function finite(value: Json): Json {
  if (typeof value === "number") return Number.isFinite(value) ? value : String(value);
  if (Array.isArray(value)) return value.map(finite);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, finite(one)]));
}
