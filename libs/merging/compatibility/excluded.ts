import type { ModelFiles } from "#libs/models";

/**
 * The names of tensors that are left out: as they are given, and where "*" stands for any text all that fit. What fits nothing stays as it is
 * given, so that the check of the models can say so.
 * @example
 * ```ts
 * const tensors = new Map(["head.weight", "head.bias", "fc1.weight"].map((name) => [name, {}]));
 * [...excludedNames(["head.*"], [{ tensors }])]; // ["head.weight", "head.bias"]
 * ```
 */
export function excludedNames(given: Iterable<string>, models: readonly Pick<ModelFiles, "tensors">[]): Set<string> {
  const names = new Set(models.flatMap(({ tensors }) => [...tensors.keys()]));
  const found = new Set<string>();
  for (const one of given) {
    const pattern = new RegExp(`^${one.replace(/[.+?^${}()|[\]\\]/g, "\\$&").replaceAll("*", ".*")}$`, "s");
    const fitting = names.has(one) || !one.includes("*") ? [one] : [...names].filter((name) => pattern.test(name));
    for (const name of fitting.length > 0 ? fitting : [one]) found.add(name);
  }
  return found;
}
