export { MergePlanError } from "./errors.ts";
export { MERGE_ARITHMETIC } from "./key.ts";
export { planMerge } from "./plan-merge.ts";
export type { GivenParameters, MergeRequest, TensorOf, TensorRequest } from "./request.ts";
export type { InputFile, MergePlan, OutputFile, PlannedTensor, Source } from "./types.ts";
