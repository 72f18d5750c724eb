import {
  LAYER_COUNTS,
  type LayerOf,
  type ModelFiles,
  numberOfWritten,
  parseWritten,
  type WrittenJson,
  type WrittenObject,
  writtenNumber,
} from "#libs/models";

/** Where a model of several towers has its language model. */
const PARTS = ["text_config", "language_config", "llm_config"];

/** Lists with the numbers of some layers, as transformers names them. */
const INDICES =
  /(^|_)(only_layers|layer_ids|layer_indices|layer_idxs?|layers_idx|full_attn_idxs|moe_layers|cross_attention_layers|no_rope_layer_ids)$/;

/** Lists that may have an entry for each layer. */
const PER_LAYER = /layer|block|type|head|ffn|intermediate|window|expert/;

/** Numbers that divide the layers: what they mean after stacking nobody but the person knows. */
const BOUNDARIES = ["first_k_dense_replace", "max_window_layers", "decoder_sparse_step", "num_kv_shared_layers", "moe_layer_freq"];

/**
 * A configuration for layers that were stacked: their number; lists with an entry for each layer, each entry from the model that the layer is
 * from; lists with the numbers of some layers.
 */
export function withLayers(config: WrittenObject, donor: ModelFiles, layers: readonly LayerOf[], notes: string[]): WrittenObject {
  const part = PARTS.find((name) => isObject(config[name]) && countOf(config[name]) !== undefined && countOf(config) === undefined);
  if (part !== undefined) return { ...config, [part]: stacked(config[part] as WrittenObject, donor, layers, notes, part) };
  return stacked(config, donor, layers, notes);
}

function stacked(config: WrittenObject, donor: ModelFiles, layers: readonly LayerOf[], notes: string[], part?: string): WrittenObject {
  const before = countOf(config);
  const configs = new Map([...new Set(layers.map(({ model }) => model))].map((model) => [model, partOf(model, part) ?? config]));
  const entries = Object.entries(config).map(([key, value]): [string, WrittenJson] => {
    if (LAYER_COUNTS.includes(key) && isNumber(value)) return [key, writtenNumber(layers.length)];
    if (BOUNDARIES.includes(key) && isNumber(value))
      notes.push(`config.json of ${donor.name}: ${key} counts layers, and is as it was before they were stacked.`);
    if (INDICES.test(key) && Array.isArray(value) && value.every((one) => isNumber(one))) return [key, indices(key)];
    // One letter for each layer, as in Nemotron-H.
    if (typeof value === "string" && /pattern$/.test(key) && value.length === before) return [key, picked(key, value).join("")];
    return Array.isArray(value) && PER_LAYER.test(key) && value.length === before && before > 1 ? [key, picked(key, value)] : [key, value];
  });
  return Object.fromEntries(entries);

  function picked(key: string, own: readonly WrittenJson[] | string): WrittenJson[] {
    return layers.map(({ model, layer }) => {
      const theirs = configs.get(model)![key] as readonly WrittenJson[] | string | undefined;
      return (theirs ?? own)[layer] ?? own[layer] ?? null;
    });
  }

  function indices(key: string): WrittenJson[] {
    return layers.flatMap(({ model, layer }, i) => {
      const theirs = configs.get(model)![key];
      return Array.isArray(theirs) && theirs.includes(writtenNumber(layer)) ? [writtenNumber(i)] : [];
    });
  }
}

function countOf(value: WrittenJson | undefined): number | undefined {
  if (!isObject(value)) return undefined;
  return LAYER_COUNTS.map((name) => numberOfWritten(value[name])).find((count) => count !== undefined);
}

function partOf({ configText }: ModelFiles, part: string | undefined): WrittenObject | undefined {
  if (configText === undefined) return undefined;
  const whole = parseWritten(configText) as WrittenObject;
  if (part === undefined) return whole;
  return isObject(whole[part]) ? whole[part] : undefined;
}

function isNumber(value: WrittenJson | undefined): boolean {
  return numberOfWritten(value) !== undefined;
}

function isObject(value: WrittenJson | undefined): value is WrittenObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
