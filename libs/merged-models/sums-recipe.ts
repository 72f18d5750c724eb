import { readFile } from "node:fs/promises";
import type { CompatibilityReport, SumsFile } from "#libs/merging";
import { type ModelFiles, recipeName } from "#libs/models";
import { arithmetics, type Digest, type Json, splitLicences } from "#libs/recipes";
import { labelOf, licenceOf } from "./merge-facts.ts";

/**
 * The exact sums of an average lie beside it: out.safetensors.sums belongs to out.safetensors.
 * @example
 * ```ts
 * sumsPathOf("out/soup.safetensors"); // "out/soup.safetensors.sums"
 * ```
 */
export function sumsPathOf(weights: string): string {
  return `${weights}.sums`;
}

/** A recipe that lies beside an average, as far as it can be read. */
export type RecipeBeside = { readonly [name: string]: Json };

/** The recipe beside an average in one file; empty if there is none. */
export function readRecipe(weights: string): Promise<RecipeBeside> {
  return readFile(recipeName(weights), "utf8").then(
    (text) => JSON.parse(text),
    () => ({}),
  );
}

/**
 * Tensors that the average leaves out.
 * @example
 * ```ts
 * [...excludedBy({ parameters: { method: "linear", exclude: ["head.bias"] } })]; // ["head.bias"]
 * ```
 */
export function excludedBy({ parameters }: RecipeBeside): Set<string> {
  const exclude = (parameters as { readonly exclude?: Json } | undefined)?.exclude;
  return new Set(Array.isArray(exclude) ? exclude.filter((name) => typeof name === "string") : []);
}

/** Digests of the members that a recipe has, in its order. */
function membersIn({ inputs }: RecipeBeside): readonly Json[] {
  const models = (inputs as { readonly models?: Json } | undefined)?.models;
  return Array.isArray(models) ? models : [];
}

/**
 * Whether a recipe has the members that are in the sums, and no other: not so where an update was interrupted at its end.
 * @example
 * ```ts
 * const recipe = { inputs: { models: ["sha256:a", "sha256:b"] } };
 * isRecipeOf(recipe, { members: [{ digest: "sha256:b", weight: 1 }, { digest: "sha256:a", weight: 1 }] }); // true
 * isRecipeOf(recipe, { members: [{ digest: "sha256:a", weight: 1 }] }); // false
 * ```
 */
export function isRecipeOf(recipe: RecipeBeside, { members = [] }: Pick<SumsFile, "members">): boolean {
  const digests = new Set<Json>(members.map(({ digest }) => digest));
  const found = membersIn(recipe);
  return found.length === digests.size && found.every((digest) => digests.has(digest));
}

/**
 * The recipe with the members that are in the average now: those that it had in their order, then those that came. Names that were known stay
 * known by digest.
 */
export function recipeWith(
  before: RecipeBeside,
  sums: Pick<SumsFile, "members">,
  named: readonly { readonly model: ModelFiles; readonly digest: Digest }[],
  report: CompatibilityReport,
): string {
  const order = [...membersIn(before), ...named.map(({ digest }) => digest)];
  const members = [...(sums.members ?? [])].sort((a, b) => order.indexOf(a.digest) - order.indexOf(b.digest));
  const known = new Map<string, Json>();
  for (const { model, digest } of named) known.set(digest, { name: labelOf(model), weights: digest });
  for (const one of Array.isArray(before["models"]) ? before["models"] : []) known.set(String((one as { weights?: Json }).weights), one);
  const { weights: _, ...parameters } = (before["parameters"] ?? {}) as { readonly [name: string]: Json };
  const weighted = members.some(({ weight }) => weight !== 1);
  const licence = licenceOf(
    report,
    named.map(({ model }) => model),
  );
  const recipe = {
    ...before,
    kind: "average",
    inputs: { models: members.map(({ digest }) => digest) },
    parameters: { method: "linear", ...parameters, ...(weighted ? { weights: members.map(({ weight }) => weight) } : {}) },
    arithmetic: arithmetics.averaging,
    models: members.map(({ digest }) => known.get(digest) ?? { weights: digest }),
    licences: "expression" in licence ? splitLicences(licence.expression) : [],
  };
  return `${JSON.stringify(recipe, null, 2)}\n`;
}
