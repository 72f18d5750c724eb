export {
  type CheckOptions,
  type CompareOptions,
  type CompatibilityReport,
  checkModels,
  compareModels,
  compareStructure,
  type Description,
  type Finding,
  type FindingCode,
  isAgreeing,
  isAveraged,
  type Mismatch,
  type ModelSummary,
  type Severity,
  type Tokenizer,
  type WeightsOfModel,
  type WeightsReport,
} from "./compatibility/index.ts";
export {
  BLOCK,
  type Method,
  type Paper,
  type Parameter,
  type Program,
  type Range,
  type Reduction,
  type TensorTask,
  type Values,
} from "./method.ts";
export type { ParameterValues } from "./parameters.ts";
export {
  type GivenParameters,
  MERGE_ARITHMETIC,
  MergePlanError,
  type MergeRequest,
  planMerge,
  type TensorOf,
  type TensorRequest,
} from "./plan/index.ts";
export type { InputFile, MergePlan, OutputFile, PlannedTensor, Source } from "./plan/types.ts";
