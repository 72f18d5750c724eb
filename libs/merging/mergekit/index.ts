export type { MergekitConfig, Reference, Slice, Source, TokenizerSource } from "./config.ts";
export { type ConfigProblem, MergekitError } from "./errors.ts";
export { parseMergekit } from "./parse.ts";
export { recipeOfMergekit } from "./recipe.ts";
export { referencesOf } from "./reference-list.ts";
export { type MergekitRequest, type OpenedModel, requestOfMergekit } from "./request.ts";
export { type ModelsByName, tokenizerDonor } from "./tokenizer.ts";
