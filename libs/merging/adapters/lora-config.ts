import type { Json } from "#libs/recipes";
import { isNames, read, short, type Targets, targetsOf } from "./targets.ts";

/** What decides the numbers of a LoRA adapter, from its adapter_config.json. */
export type LoraConfig = {
  /** Whether PEFT gives a module factors: what a file has for others, it does not load. */
  readonly targets: Targets;
  /** The rank that a module has by the configuration. */
  readonly rankOf: (module: string) => number;
  /** What B·A is multiplied with: alpha / r, or alpha / √r where use_rslora is set. */
  readonly scalingOf: (module: string, rank: number) => number;
  /** Matrices of the base are stored as [in, out], as GPT-2 has them. PEFT looks at the base for it; this is what it found last. */
  readonly fanInFanOut: boolean;
  /** Whether a module, by its name, is trained whole. */
  readonly isSaved: (module: string) => boolean;
  /** Factors of tied layers are tied as well. */
  readonly ensuresTying: boolean;
};

export type AdapterConfig = { readonly [name: string]: Json };

const isOff = (value: Json) => value === false || value === "" || (typeof value === "object" && Object.keys(value ?? {}).length === 0);
const anything = () => true;

/** Kinds of initial factors that leave the base as it was. */
const KEEPS_BASE = new Set<Json>([true, false, "gaussian", "eva", "orthogonal", "mica"]);

/**
 * Every field of LoraConfig (src/peft/tuners/lora/config.py of PEFT 0.21, and of versions before), and for which values an adapter is a sum
 * of products that this library can make. What is none of these has to be off; docs/adapters.md tells of each.
 */
const FIELDS: { readonly [field: string]: (value: Json) => boolean } = {
  ...{ r: anything, lora_alpha: anything, rank_pattern: anything, alpha_pattern: anything, target_modules: anything },
  ...{ exclude_modules: anything, layers_to_transform: anything, layers_pattern: anything, modules_to_save: anything },
  ...{ use_rslora: isTruth, fan_in_fan_out: isTruth, ensure_weight_tying: isTruth },
  bias: (value) => value === "none",
  init_lora_weights: (value) => KEEPS_BASE.has(value),
  // What only the training had to do with.
  ...{ peft_type: anything, task_type: anything, inference_mode: anything, base_model_name_or_path: anything, revision: anything },
  ...{ auto_mapping: anything, peft_version: anything, lora_dropout: anything, runtime_config: anything, megatron_core: anything },
  ...{ loftq_config: anything, eva_config: anything, corda_config: anything, lora_ga_config: anything, qalora_group_size: anything },
  ...{ lora_dtype: anything, lorap_lr_ratio: anything, lorap_emb_lr: anything, merge_weights: anything },
};

/** Fields that turn LoRA into something else where they are on, and what. */
const OTHERS: { readonly [field: string]: string } = {
  use_dora: "DoRA",
  use_qalora: "QALoRA",
  use_bdlora: "block-diagonal LoRA",
  kasa_config: "KaSA",
  monteclora_config: "Monte Carlo LoRA",
  velora_config: "VeLoRA",
  arrow_config: "a router of adapters",
  alora_invocation_tokens: "activated LoRA",
  lora_bias: "LoRA with biases",
  layer_replication: "a model with repeated layers",
  trainable_token_indices: "training of single tokens",
  target_parameters: "LoRA of parameters outside of layers",
  megatron_config: "LoRA of Megatron's layers",
  enable_lora: "LoRA of parts of merged layers",
};

/** Modules that PEFT trains whole for a task without being told. */
const HEADS: { readonly [task: string]: readonly string[] } = {
  SEQ_CLS: ["classifier", "score"],
  TOKEN_CLS: ["classifier", "score"],
  QUESTION_ANS: ["qa_outputs"],
};

/**
 * Reads adapter_config.json as PEFT does (https://huggingface.co/docs/peft/package_reference/lora). Only LoRA in its plain form is a sum of
 * products; what else PEFT has is refused by name. Problems begin with `name`.
 */
export function readLoraConfig(config: AdapterConfig, name: string): { config: LoraConfig; problems: readonly string[] } {
  const problems: string[] = [];
  const say = (problem: string) => problems.push(`${name}: ${problem}`);
  const type = config["peft_type"];
  if (type === undefined && "fine_tune_type" in config) say("it is an adapter of MLX; only LORA of PEFT can be averaged");
  else if (type !== "LORA") say(`peft_type is ${short(type)}; only LORA can be averaged`);
  else for (const [field, value] of Object.entries(config)) checkField(field, value, say);
  const rank = positive(config["r"]);
  const alpha = positive(config["lora_alpha"]);
  if (type === "LORA" && (rank === undefined || !Number.isInteger(rank)))
    say(`r is ${short(config["r"])}, expected a whole number of at least 1`);
  if (type === "LORA" && alpha === undefined) say(`lora_alpha is ${short(config["lora_alpha"])}, expected a number above 0`);
  const ranks = numbersByName(config["rank_pattern"], "rank_pattern", say);
  const alphas = numbersByName(config["alpha_pattern"], "alpha_pattern", say);
  const saved = savedNames(config, say);
  const rootOf = (value: number) => (config["use_rslora"] === true ? Math.sqrt(value) : value);
  const wanted: LoraConfig = {
    targets: targetsOf(config, saved, say),
    rankOf: (module) => ranks(module) ?? rank ?? 0,
    scalingOf: (module, r) => (alphas(module) ?? alpha ?? 0) / rootOf(r),
    fanInFanOut: config["fan_in_fan_out"] === true,
    isSaved: (module) => saved.some((end) => module.endsWith(end)),
    ensuresTying: config["ensure_weight_tying"] === true,
  };
  return { config: wanted, problems };
}

function checkField(field: string, value: Json, say: (problem: string) => void): void {
  if (value === null || (Object.hasOwn(FIELDS, field) ? FIELDS[field]!(value) : isOff(value))) return;
  if (field === "init_lora_weights")
    say(`${field} is ${short(value)}, which changes the base: save the adapter with path_initial_model_for_weight_conversion`);
  else if (Object.hasOwn(OTHERS, field)) say(`${field} is ${short(value)}: ${OTHERS[field]} is not plain LoRA`);
  else if (field === "bias") say(`bias is ${short(value)}: trained biases are not plain LoRA`);
  else if (Object.hasOwn(FIELDS, field)) say(`${field} is ${short(value)}, expected true or false`);
  else say(`the field ${JSON.stringify(field)} is not known here and is ${short(value)}; leave it out if only the training needed it`);
}

/** Names of modules that are trained whole: a module is one of them whose name ends so, as PEFT has it. */
function savedNames(config: AdapterConfig, say: (problem: string) => void): readonly string[] {
  const given = config["modules_to_save"] ?? [];
  if (!isNames(given)) say(`modules_to_save is ${short(given)}, expected a list of names`);
  const task = config["task_type"];
  const heads = typeof task === "string" && Object.hasOwn(HEADS, task) ? HEADS[task]! : [];
  return [...new Set([...(isNames(given) ? given : []), ...heads])];
}

/**
 * rank_pattern and alpha_pattern: numbers by the end of a module's name, as get_pattern_key of PEFT (src/peft/utils/other.py) finds them. The
 * first expression that matches counts.
 */
function numbersByName(value: Json | undefined, field: string, say: (problem: string) => void): (module: string) => number | undefined {
  if (value === undefined || value === null) return () => undefined;
  if (typeof value !== "object" || Array.isArray(value)) {
    say(`${field} is ${short(value)}, expected numbers by names`);
    return () => undefined;
  }
  const entries = Object.entries(value).map(([key, number]) => {
    if (positive(number) === undefined) say(`${field}[${JSON.stringify(key)}] is ${short(number)}, expected a number above 0`);
    return { key, number: positive(number), matches: read(String.raw`(?:.*\.)?(?:${key})`, field, say, key) };
  });
  return (module) => (entries.find(({ matches }) => matches(module)) ?? entries.find(({ key }) => key === module))?.number;
}

function isTruth(value: Json): boolean {
  return typeof value === "boolean";
}

function positive(value: Json | undefined): number | undefined {
  return typeof value === "number" && value > 0 && Number.isFinite(value) ? value : undefined;
}
