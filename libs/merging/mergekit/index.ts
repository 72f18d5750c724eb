export type { MergekitConfig, Reference, Slice, Source, TokenizerSource } from "./config.ts";
export { type ConfigProblem, MergekitError } from "./errors.ts";
export { parseMergekit } from "./parse.ts";
