export { type AdapterInputs, adapterMean, adapterMethod, areAdapters, requireLikeFactors } from "./adapter-mean.ts";
export { type DigestsLater, digestsLater } from "./digests-later.ts";
export { labelOf, type MergeFacts } from "./merge-facts.ts";
export { prepareMerge } from "./prepare-merge.ts";
export type { MergeEstimate, MergeOutcome, MergeRunOptions, PreparedMerge } from "./prepared-merge.ts";
export { stemFor } from "./stem.ts";
export { excludedBy, isRecipeOf, readRecipe, recipeWith, sumsPathOf } from "./sums-recipe.ts";
export { withSums } from "./with-sums.ts";
export { type ModelToWrite, type WriteModelOptions, type WrittenModel, writeModel } from "./write-model.ts";
