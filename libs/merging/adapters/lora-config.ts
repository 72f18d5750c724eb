import type { Json } from "#libs/recipes";

/** What decides the numbers of a LoRA adapter, from its adapter_config.json. */
export type LoraConfig = {
  /** The rank that a module has by the configuration. */
  readonly rankOf: (module: string) => number;
  /** What B·A is multiplied with: alpha / r, or alpha / √r where use_rslora is set. */
  readonly scalingOf: (module: string, rank: number) => number;
  /** Matrices of the base are stored as [in, out], as GPT-2 has them. */
  readonly fanInFanOut: boolean;
};

type Config = { readonly [name: string]: Json };

// Kinds of initial weights that change the base model at the start of the training: B·A is then no difference to the base as it was.
const CHANGES_BASE = /^(pissa|olora|corda|lora_?ga|loftq)/i;

/** Fields that turn LoRA into something else. What each must be for its plain form, where it is there at all. */
const PLAIN: { readonly [field: string]: (value: Json) => boolean } = {
  use_dora: (value) => value === false,
  use_qalora: (value) => value === false,
  lora_bias: (value) => value === false,
  bias: (value) => value === "none",
  layer_replication: (value) => Array.isArray(value) && value.length === 0,
  trainable_token_indices: (value) => Array.isArray(value) && value.length === 0,
  target_parameters: (value) => Array.isArray(value) && value.length === 0,
  alora_invocation_tokens: (value) => Array.isArray(value) && value.length === 0,
  arrow_config: () => false,
  init_lora_weights: (value) => typeof value !== "string" || !CHANGES_BASE.test(value),
};

/**
 * Reads adapter_config.json as PEFT writes it (https://huggingface.co/docs/peft/package_reference/lora). Only LoRA in its plain form is a
 * sum of products; what else PEFT has is refused by name. Problems begin with `name`.
 */
export function readLoraConfig(config: Config, name: string): { config: LoraConfig; problems: readonly string[] } {
  const problems: string[] = [];
  const say = (problem: string) => problems.push(`${name}: ${problem}`);
  const type = config["peft_type"];
  if (type !== "LORA") say(`peft_type is ${JSON.stringify(type ?? null)}; only LORA can be averaged`);
  for (const [field, isPlain] of Object.entries(PLAIN)) {
    const value = config[field];
    if (value !== undefined && value !== null && !isPlain(value)) say(`${field} is ${short(value)}, which is not plain LoRA`);
  }
  const rank = positive(config["r"]);
  const alpha = positive(config["lora_alpha"]);
  if (rank === undefined || !Number.isInteger(rank)) say(`r is ${short(config["r"])}, expected a whole number of at least 1`);
  if (alpha === undefined) say(`lora_alpha is ${short(config["lora_alpha"])}, expected a number above 0`);
  const ranks = pattern(config["rank_pattern"], "rank_pattern", say);
  const alphas = pattern(config["alpha_pattern"], "alpha_pattern", say);
  const rootOf = (value: number) => (config["use_rslora"] === true ? Math.sqrt(value) : value);
  const read: LoraConfig = {
    rankOf: (module) => ranks(module) ?? rank ?? 0,
    scalingOf: (module, r) => (alphas(module) ?? alpha ?? 0) / rootOf(r),
    fanInFanOut: config["fan_in_fan_out"] === true,
  };
  return { config: read, problems };
}

/**
 * rank_pattern and alpha_pattern: numbers by the end of a module's name. PEFT reads the keys as regular expressions; names with dots are all
 * that it writes itself, and all that is taken: expressions of others could run for ever.
 */
function pattern(value: Json | undefined, field: string, say: (problem: string) => void): (module: string) => number | undefined {
  const entries: [string, number][] = [];
  for (const [key, number] of Object.entries(typeof value === "object" && value !== null ? value : {})) {
    const literal = key.replace(/^\^/, "").replace(/\\\./g, ".");
    const known = positive(number);
    if (known === undefined) say(`${field}[${JSON.stringify(key)}] is ${short(number)}, expected a number above 0`);
    else if (!/^[\w.-]+$/.test(literal)) say(`${field} has the expression ${JSON.stringify(key)}; only names of modules can be read`);
    else entries.push([literal, known]);
  }
  return (module) => entries.find(([key]) => module === key || module.endsWith(`.${key}`))?.[1];
}

function positive(value: Json | undefined): number | undefined {
  return typeof value === "number" && value > 0 && Number.isFinite(value) ? value : undefined;
}

function short(value: Json | undefined): string {
  const text = JSON.stringify(value ?? null);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
