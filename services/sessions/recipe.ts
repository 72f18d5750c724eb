import { arithmetics, type Digest, type Json, type Recipe } from "#libs/recipes";
import type { ContributionRow, SessionRow } from "./store/rows.ts";

type Member = Pick<ContributionRow, "digest" | "artifact" | "weight">;

/**
 * The recipe of the average of contributions: what it is a function of, and nothing about the session. Contributions that are models of the
 * catalog are its inputs; of the others it names the sha-256 of their files. Both sorted, so that equal sets are one recipe; where all are
 * models of the catalog, it is the recipe of the same average in any other way.
 */
export function recipeOf({ method, dtype }: Pick<SessionRow, "method" | "dtype">, members: readonly Member[]): Recipe {
  const models = members
    .filter(({ artifact }) => artifact !== null)
    .sort((a, b) => compare(a.artifact!, b.artifact!) || a.weight - b.weight);
  const others = members.filter(({ artifact }) => artifact === null).sort((a, b) => compare(a.digest, b.digest) || a.weight - b.weight);
  const parameters: { [name: string]: Json } = { method, dtype };
  if (method !== "uniform") parameters["weights"] = [...models, ...others].map(({ weight }) => weight);
  if (others.length > 0) parameters["contributions"] = others.map(({ digest }) => digest);
  return {
    kind: "average",
    inputs: models.length > 0 ? { models: models.map(({ artifact }) => artifact as Digest) } : {},
    parameters,
    arithmetic: arithmetics.averaging,
  };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
