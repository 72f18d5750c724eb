import { readFile } from "node:fs/promises";
import type { CompatibilityReport, SumsFile } from "#libs/merging";
import { type ModelFiles, recipeName } from "#libs/models";
import { arithmetics, type Digest, type Json } from "#libs/recipes";
import { labelOf, licenceOf } from "./merge-facts.ts";

/** A recipe that lies beside an average, as far as it can be read. */
export type RecipeBeside = { readonly [name: string]: Json };

/** The recipe beside an average in one file; empty if there is none. */
export function readRecipe(weights: string): Promise<RecipeBeside> {
  return readFile(recipeName(weights), "utf8").then(
    (text) => JSON.parse(text),
    () => ({}),
  );
}

/** Tensors that the average leaves out. */
export function excludedBy({ parameters }: RecipeBeside): Set<string> {
  const exclude = (parameters as { readonly exclude?: Json } | undefined)?.exclude;
  return new Set(Array.isArray(exclude) ? exclude.filter((name) => typeof name === "string") : []);
}

/** The recipe with the members that are in the average now; names that were known stay known by digest. */
export function recipeWith(
  before: RecipeBeside,
  { members = [] }: Pick<SumsFile, "members">,
  named: readonly { readonly model: ModelFiles; readonly digest: Digest }[],
  report: CompatibilityReport,
): string {
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
    licences: "expression" in licence ? licence.expression.split(" AND ") : [],
  };
  return `${JSON.stringify(recipe, null, 2)}\n`;
}
