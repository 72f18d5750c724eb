import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Json, spdxLicence } from "#libs/recipes";
import { isObject, readJsonObject } from "./read-json.ts";
import type { ModelFiles } from "./types.ts";

type Config = { readonly [name: string]: Json } | undefined;
type Description = Pick<ModelFiles, "licences" | "foundation">;

/**
 * What a model's folder says of its licence and its foundation: the recipe beside it first, then the front matter of its card, then its
 * configuration. Nothing of it is needed, so a card that cannot be read is as none; a recipe that is not JSON is an error.
 */
export async function describeModel(kind: ModelFiles["kind"], path: string, name: string, config: Config): Promise<Description> {
  const recipe = await readJsonObject(recipePathOf(kind, path), recipePathOf(kind, name));
  const card = kind === "file" ? undefined : await frontMatter(join(path, "README.md"));
  const licences = first(licencesOfRecipe(recipe), licencesOfCard(card), licencesOfCard(config)) ?? [];
  const adapted = kind === "adapter" ? text(config?.["base_model_name_or_path"]) : undefined;
  const foundation = adapted ?? text(recipe?.["foundation"]) ?? foundationOfCard(card);
  return { licences: [...licences].sort(), ...(foundation === undefined ? {} : { foundation }) };
}

function recipePathOf(kind: ModelFiles["kind"], path: string): string {
  return kind === "file" ? recipeName(path) : join(path, "recipe.json");
}

/**
 * The recipe of a model in one file lies beside it: out.recipe.json says how out.safetensors was made.
 * @example
 * ```ts
 * recipeName("out/soup.safetensors"); // "out/soup.recipe.json"
 * ```
 */
export function recipeName(file: string): string {
  return `${file.replace(/\.(safetensors|pth|pt|bin|ckpt)$/, "")}.recipe.json`;
}

function first(...lists: readonly (readonly string[])[]): readonly string[] | undefined {
  return lists.find((list) => list.length > 0);
}

function licencesOfRecipe(recipe: Config): string[] {
  const licences = recipe?.["licences"];
  return Array.isArray(licences) ? licences.filter((licence) => typeof licence === "string") : [];
}

/** `license` of a card or of config.json, in the hub's words; `other` is what license_name says. */
function licencesOfCard(card: Config): string[] {
  const license = card?.["license"];
  const named = text(card?.["license_name"]);
  const words = (Array.isArray(license) ? license : [license]).map(text).filter((word) => word !== undefined);
  return words.map((word) => spdxLicence(word.toLowerCase() === "other" && named !== undefined ? named : word));
}

/** The one base model of a fine-tuning. A merge has several, which are not its foundation. */
function foundationOfCard(card: Config): string | undefined {
  const base = card?.["base_model"];
  const only = Array.isArray(base) ? (base.length === 1 ? base[0] : undefined) : base;
  return card?.["base_model_relation"] === "merge" ? undefined : text(only);
}

function text(value: Json | undefined): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** The YAML between the first two lines of dashes of a model card. */
async function frontMatter(path: string): Promise<Config> {
  const card = await readFile(path, "utf8").catch(() => "");
  const [, yaml] = /^\uFEFF?---\r?\n([\s\S]*?)\r?\n---/.exec(card) ?? [];
  if (yaml === undefined) return undefined;
  // Loaded only where there is a card.
  const { parse } = await import("yaml");
  try {
    // What a card gets wrong is no matter of ours: no warnings.
    const value: unknown = parse(yaml, { logLevel: "error" });
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
