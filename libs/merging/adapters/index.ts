export { applyAdapter, averageAdapters } from "./average-adapters.ts";
export { AdapterError } from "./errors.ts";
export { factorProblems, type Lora, type LoraModule, productShape, readLora } from "./lora.ts";
export { loraFileProblems } from "./lora-files.ts";
export { type AdapterRequest, planAdapters } from "./plan-adapters.ts";
export { type RunAdaptersOptions, runAdapters, type WrittenFiles } from "./run-adapters.ts";
export type { AdapterPlan, AdapterTensor } from "./types.ts";
