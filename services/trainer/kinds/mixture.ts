import { dirname } from "node:path";
import { MergeError, MergePlanError, planMerge, runMerge } from "#libs/merging";
import { ModelError, openModel } from "#libs/models";
import { type Digest, RecipeError } from "#libs/recipes";

/** The weights of a model as a file, and their digest. */
export type WeightsFile = { readonly path: string; readonly digest: Digest };

/**
 * Writes the exact mean of models (`exact-mean/1`), weighted by `weights` divided by their sum: the bytes that an average under the same
 * name would have. A curve through many large models moves each of them here once, and none of its points anywhere.
 * @param path where the file is to be
 * @throws RecipeError where the models have no mean, the signal's reason
 */
export async function mixModels(
  models: readonly WeightsFile[],
  weights: readonly number[] | undefined,
  path: string,
  signal: AbortSignal,
): Promise<void> {
  try {
    const opened = await Promise.all(models.map((model, i) => openModel(model.path, `models[${i}]`)));
    const plan = planMerge({
      method: "linear",
      models: opened,
      digests: models.map(({ digest }) => digest),
      parametersOf: () => ({ merge: { normalize: true }, ...(weights ? { models: weights.map((weight) => ({ weight })) } : {}) }),
      single: path.slice(dirname(path).length + 1),
    });
    await runMerge(plan, { directory: dirname(path), fsync: false, signal });
  } catch (cause) {
    const told = cause instanceof ModelError || cause instanceof MergePlanError || (cause instanceof MergeError && isOfModels(cause));
    if (told) throw new RecipeError("inputs.models", (cause as Error).message, { cause });
    throw cause;
  }
}

/** What is wrong with the models themselves, and will be the next time. */
function isOfModels({ kind }: MergeError): boolean {
  return kind === "not-finite" || kind === "overflow" || kind === "disagree";
}
