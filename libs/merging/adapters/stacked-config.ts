import { isDeepStrictEqual } from "node:util";
import type { Json } from "#libs/recipes";
import { several } from "./errors.ts";
import type { Lora } from "./lora.ts";
import { type AdapterConfig, readLoraConfig } from "./lora-config.ts";
import { isNames } from "./targets.ts";

/** What says which modules have factors. */
const TARGETS = ["target_modules", "layers_to_transform", "layers_pattern", "exclude_modules"] as const;

/**
 * adapter_config.json of one adapter that has the products of several, with lora_alpha = r: B holds all scalings. Read as PEFT reads it, it
 * gives every module of the file its factors and its rank. Fields that decide nothing stay where all adapters agree on them.
 * @param ranks of every module, by its name in the base
 * @param problems gets a sentence where no configuration says what the file has
 */
export function stackedConfig(loras: readonly Lora[], ranks: ReadonlyMap<string, number>, problems: string[]): string {
  const configs = loras.map(({ model }) => model.config!);
  const flags = configs.map((config) => config["fan_in_fan_out"] === true);
  if (new Set(flags).size > 1) {
    const says = (flag: boolean) => several(loras.flatMap(({ model }, k) => (flags[k] === flag ? [model.name] : [])));
    problems.push(`fan_in_fan_out is true in ${says(true)} and false in ${says(false)}: only their base knows which is right, give it`);
  }
  const saved = new Set(configs.flatMap((config) => namesOf(config["modules_to_save"])));
  const rank = commonest(ranks);
  const common: { [name: string]: Json } = {
    ...agreed(configs),
    r: rank,
    lora_alpha: rank,
    use_rslora: false,
    init_lora_weights: true,
    modules_to_save: saved.size > 0 ? [...saved].sort() : null,
    inference_mode: true,
  };
  for (const targets of targetChoices(configs, [...ranks.keys()])) {
    for (const pattern of patternChoices(ranks, rank)) {
      const config = { ...common, ...targets, rank_pattern: pattern, alpha_pattern: pattern };
      if (says(config, ranks)) return textOf(config);
    }
  }
  const whole = [...ranks.keys()].filter((module) => !targetsOnly({ ...common, target_modules: [...ranks.keys()] })(module));
  problems.push(
    whole.length > 0
      ? `${several(whole)} ${whole.length > 1 ? "have" : "has"} products in some adapters and was trained whole in others (modules_to_save)`
      : "no adapter_config.json gives every module its rank",
  );
  return "";
}

/** Fields on which all agree; the others are left out, so that the order of the adapters decides nothing. */
function agreed([first, ...others]: readonly AdapterConfig[]): AdapterConfig {
  const fields = Object.entries(first!).filter(([field, value]) =>
    others.every((other) => isDeepStrictEqual(other[field] ?? null, value ?? null)),
  );
  return Object.fromEntries(fields);
}

/**
 * What adapters agree on stays; names that all have become one list; else every module is named in full, as only that fits for certain. Where
 * one list reaches further than some adapters did, these have no factors there, which PEFT makes zeros of.
 */
function* targetChoices(configs: readonly AdapterConfig[], modules: readonly string[]): Generator<AdapterConfig> {
  const none = { layers_to_transform: null, layers_pattern: null, exclude_modules: null };
  const own = configs.map((config) => TARGETS.map((field) => config[field] ?? null));
  if (own.every((one) => isDeepStrictEqual(one, own[0]))) yield Object.fromEntries(TARGETS.map((field, i) => [field, own[0]![i]!]));
  const plain = configs.every(
    (config) => isNames(config["target_modules"] ?? null) && TARGETS.slice(1).every((field) => isUnset(config[field])),
  );
  const union = [...new Set(configs.flatMap((config) => namesOf(config["target_modules"])))].sort();
  if (plain) yield { ...none, target_modules: union };
  yield { ...none, target_modules: modules.toSorted() };
}

/** PEFT reads keys as expressions for the end of a name, and takes the first that matches: full names, the longest first, if need be escaped. */
function* patternChoices(ranks: ReadonlyMap<string, number>, rank: number): Generator<{ [module: string]: number }> {
  const sorted = [...ranks].sort(([a], [b]) => (a < b ? -1 : 1));
  yield Object.fromEntries(sorted.filter(([, each]) => each !== rank));
  const longest = sorted.toSorted(([a], [b]) => b.length - a.length);
  yield Object.fromEntries(longest);
  yield Object.fromEntries(longest.map(([module, each]) => [`^${module.replace(/[^\w]/g, "\\$&")}`, each]));
}

/** Whether a configuration says what a file has. */
function says(config: AdapterConfig, ranks: ReadonlyMap<string, number>): boolean {
  const { config: read, problems } = readLoraConfig(config, "");
  return (
    problems.length === 0 &&
    [...ranks].every(([module, rank]) => read.targets(module) && read.rankOf(module) === rank && read.scalingOf(module, rank) === 1)
  );
}

function targetsOnly(config: AdapterConfig): (module: string) => boolean {
  return readLoraConfig({ ...config, layers_to_transform: null, layers_pattern: null, exclude_modules: null }, "").config.targets;
}

/** The rank of most modules; of two the larger. */
function commonest(ranks: ReadonlyMap<string, number>): number {
  const counts = new Map<number, number>();
  for (const rank of ranks.values()) counts.set(rank, (counts.get(rank) ?? 0) + 1);
  return [...counts].sort(([a, m], [b, n]) => n - m || b - a)[0]?.[0] ?? 1;
}

function namesOf(value: Json | undefined): string[] {
  return value !== undefined && isNames(value) ? value : [];
}

function isUnset(value: Json | undefined): boolean {
  return value === undefined || value === null || value === "" || (Array.isArray(value) && value.length === 0);
}

function textOf(config: AdapterConfig): string {
  const sorted = Object.fromEntries(Object.entries(config).sort(([a], [b]) => (a < b ? -1 : 1)));
  return `${JSON.stringify(sorted, null, 2)}\n`;
}
