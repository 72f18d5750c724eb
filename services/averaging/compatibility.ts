import { checkModels, compareStructure, type Mismatch as StructureMismatch } from "#libs/merging";
import type { CheckedAverage } from "./check-recipe.ts";
import { IncompatibleModelsError, InvalidAverageError, type Mismatch } from "./errors.ts";
import type { Member } from "./members.ts";

/** What the config of a model says of which nobody knows what it is. */
export const UNKNOWN_ARCHITECTURE = "unknown";

/** What is averaged, and under it the base. */
export type Compared = { readonly models: readonly Member[]; readonly base: Member | undefined };

/**
 * Whether the members have an average: their tensors, their architectures, the foundation models that they come from.
 * @param strict types may not differ even where that of the result is given: so it was always for uniform and weighted averages.
 * @throws IncompatibleModelsError listing every tensor concerned; InvalidAverageError for tensors to leave out that are none
 */
export async function checkCompatible(
  { models, base }: Compared,
  { exclude, dtype }: Pick<CheckedAverage, "exclude" | "dtype">,
  { allowUnrelated, strict, signal }: { readonly allowUnrelated: boolean; readonly strict: boolean; readonly signal: AbortSignal },
): Promise<void> {
  const files = models.map(({ model }) => model);
  const all = base === undefined ? files : [...files, base.model];
  const field = "recipe.parameters.exclude";
  for (const name of exclude) {
    if (all.every(({ tensors }) => !tensors.has(name)))
      throw new InvalidAverageError([{ field, description: `names ${JSON.stringify(name)}, which no model has` }]);
  }
  if (all.every(({ tensors }) => [...tensors.keys()].every((name) => exclude.has(name))))
    throw new InvalidAverageError([{ field, description: "leaves no tensor to average" }]);
  const mixedTypes = !strict && dtype !== undefined;
  const mismatches: Mismatch[] = compareStructure(all, { exclude, mixedTypes });
  // Imported models need not say what they are.
  const named = (base === undefined ? models : [...models, base]).filter(({ architecture }) => architecture !== UNKNOWN_ARCHITECTURE);
  if (named.some(({ architecture }) => architecture !== named[0]!.architecture)) {
    const problem = named.map(({ architecture, model }) => `${architecture} in ${model.name}`).join("; ");
    mismatches.unshift({ tensor: "(architecture)", problem });
  }
  const report = await checkModels(files, { base: base?.model, exclude, allowUnrelated, mixedTypes, full: false, signal });
  const structural = new Set<string>(STRUCTURAL);
  for (const { severity, code, sentence } of report.findings)
    if (severity === "error" && !structural.has(code))
      mismatches.unshift({ tensor: `(${code})`, problem: sentence.replace("--allow-unrelated", "allow_unrelated") });
  if (mismatches.length > 0) throw new IncompatibleModelsError(mismatches);
}

/** What compareStructure has listed. */
const STRUCTURAL: readonly (StructureMismatch["code"] | "exclude" | "empty")[] = [
  "missing",
  "shape",
  "dtype",
  "no-average",
  "exclude",
  "empty",
];
