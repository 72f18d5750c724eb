import type { Json } from "#libs/recipes";
import { excerpt } from "#libs/text";
import { type Pattern, PatternError, pythonPattern } from "./python-pattern.ts";

/** Whether a configuration gives a module factors. */
export type Targets = (module: string) => boolean;

type Config = { readonly [name: string]: Json };
type Say = (problem: string) => void;

/**
 * Which modules PEFT gives factors to (check_target_module_exists in src/peft/tuners/tuners_utils.py of PEFT 0.21): what a file has for
 * others is not loaded. Of `all-linear`, and where nothing is said, the model decides, so that every module may be one.
 * @param wholly names whose modules are trained whole: those never have factors
 */
export function targetsOf(config: Config, wholly: readonly string[], say: Say): Targets {
  const { target_modules: given, layers_to_transform: layers, layers_pattern: pattern } = config;
  const includes = given === "all-linear" || given === null || given === undefined ? () => true : matcherOf(given, "target_modules", say);
  const excluded = config["exclude_modules"] ?? [];
  const excludes = isEmpty(excluded) ? () => false : matcherOf(excluded, "exclude_modules", say);
  const isWhole = wholly.map((name) => read(String.raw`(?:|.*\.)${name}(?:|\..*)`, "modules_to_save", say, name));
  const inLayers = layersOf(layers ?? null, pattern ?? null, typeof given === "string", say);
  return (module) => !excludes(module) && !isWhole.some((matches) => matches(module)) && includes(module) && inLayers(module);
}

/** A regular expression for the whole name, or names, each of which is a module's or the end of it. */
function matcherOf(value: Json, field: string, say: Say): Pattern {
  if (typeof value === "string") return read(value, field, say);
  if (!isNames(value)) {
    say(`${field} is ${short(value)}, expected a list of names or a regular expression`);
    return () => true;
  }
  const names = new Set(value);
  return (module) => names.has(module) || value.some((name) => module.endsWith(`.${name}`));
}

/** Of layers_to_transform: only modules below a numbered layer count, by the first number in their name. */
function layersOf(layers: Json, pattern: Json, isExpression: boolean, say: Say): Pattern {
  const patterns = typeof pattern === "string" ? [pattern] : (pattern ?? []);
  if (!isNames(patterns)) {
    say(`layers_pattern is ${short(pattern)}, expected a name or a list of names`);
    return () => true;
  }
  const numbers = typeof layers === "number" ? [layers] : (layers ?? []);
  if (!Array.isArray(numbers) || !numbers.every(Number.isInteger)) {
    say(`layers_to_transform is ${short(layers)}, expected a whole number or a list of them`);
    return () => true;
  }
  if (isExpression && (layers !== null || patterns.length > 0)) {
    say("layers_to_transform and layers_pattern go with a list of target_modules, not with a regular expression");
    return () => true;
  }
  if (numbers.length === 0) return () => true;
  // Without a pattern any list of layers will do that has a name of its own within the model.
  const isList = (patterns.length === 0 ? ["[^.]*"] : patterns.filter((name) => name !== "")).map((name) =>
    read(patterns.length === 0 ? String.raw`.*\.[^.]*` : String.raw`(?:.*\.)?(?:${name})`, "layers_pattern", say, name),
  );
  return (module) => {
    const parts = module.split(".");
    for (const matches of isList) {
      const at = parts.findIndex((part, i) => i > 0 && i + 1 < parts.length && /^\d+$/.test(part) && matches(parts.slice(0, i).join(".")));
      if (at >= 0) return numbers.includes(Number(parts[at]));
    }
    return false;
  };
}

/** Reads an expression of a field. What cannot be read is said, and matches everything. */
export function read(source: string, field: string, say: Say, shown = source): Pattern {
  try {
    return pythonPattern(source);
  } catch (error) {
    if (!(error instanceof PatternError)) throw error;
    say(`${field} has the expression ${short(shown)}, which cannot be read: ${error.message}`);
    return () => true;
  }
}

export function isNames(value: Json): value is string[] {
  return Array.isArray(value) && value.every((each) => typeof each === "string");
}

function isEmpty(value: Json): boolean {
  return value === "" || (Array.isArray(value) && value.length === 0);
}

/** A value as a configuration has it, cut where it is long. */
export function short(value: Json | undefined): string {
  return excerpt(JSON.stringify(value ?? null), 60);
}
