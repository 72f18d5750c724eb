export { type CheckOptions, checkModels } from "./check-models.ts";
export { type CheckStreamsOptions, checkStreams, type StreamedModel } from "./check-streams.ts";
export { type CompareOptions, compareModels } from "./compare.ts";
export type { Description, Tokenizer } from "./description.ts";
export { excludedNames } from "./excluded.ts";
export { measurePair, type TensorPair } from "./measure-pair.ts";
export type { CompatibilityReport, Finding, FindingCode, ModelSummary, Severity, WeightsOfModel, WeightsReport } from "./report.ts";
export { compareStructure, isAgreeing, isAveraged, type Mismatch, type Structure } from "./structure.ts";
export { type SettledHeads, settleHeads } from "./tied-heads.ts";
