export { type MergeModelsOptions, mergeModels } from "#libs/merged-models";
export {
  type CheckOptions,
  type CompatibilityReport,
  checkModels,
  type Finding,
  MergeError,
  type MergePlan,
  MergePlanError,
  type MergeProgress,
  type MergeRequest,
  type MergeResult,
  type Method,
  methodNamed,
  methods,
  namesOfMethods,
  type Parameter,
  planMerge,
  type RunMergeOptions,
  runMerge,
  runMethodInMemory,
  type TensorInMemory,
} from "#libs/merging";
export { ModelError, type ModelFiles, openModel, weightsDigest } from "#libs/models";
export { UsageError } from "#libs/service/process";
