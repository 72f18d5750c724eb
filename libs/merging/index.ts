export {
  AdapterError,
  type AdapterPlan,
  type AdapterRequest,
  applyAdapter,
  averageAdapters,
  factorProblems,
  loraFileProblems,
  planAdapters,
  readLora,
  runAdapters,
} from "./adapters/index.ts";
export {
  type CheckOptions,
  type CheckStreamsOptions,
  type CompareOptions,
  type CompatibilityReport,
  checkModels,
  checkStreams,
  compareModels,
  compareStructure,
  type Description,
  excludedNames,
  type Finding,
  type FindingCode,
  isAgreeing,
  isAveraged,
  type Mismatch,
  type ModelSummary,
  type SettledHeads,
  type Severity,
  type StreamedModel,
  settleHeads,
  type Tokenizer,
  type WeightsOfModel,
  type WeightsReport,
} from "./compatibility/index.ts";
export { MergeError, type MergeErrorKind } from "./engine/errors.ts";
export { type MergeProgress, type MergeResult, type RunMergeOptions, runMerge, startMergeThreads } from "./engine/run-merge.ts";
export { meanOfWindow } from "./exact/index.ts";
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
export {
  boundsOf,
  type CompleteValues,
  completeAll,
  completeParameters,
  type GivenValues,
  type InMemoryOptions,
  MergeParameterError,
  methodNamed,
  methods,
  namesOfMethods,
  type ParametersOf,
  runMethodInMemory,
  type TensorInMemory,
} from "./methods/index.ts";
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
export {
  foldSums,
  type ListedMember,
  openSums,
  prepareRounded,
  prepareUpdate,
  roundSums,
  type SumMember,
  SumsError,
  type SumsFile,
  sumsLayout,
} from "./sums/index.ts";
