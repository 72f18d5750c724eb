export { recipeName } from "./describe.ts";
export { type DigestCache, defaultDigestCache, openDigestCache } from "./digest-cache.ts";
export { ModelError } from "./errors.ts";
export { openModel } from "./open-model.ts";
export { INDEX_NAME, type OutputOptions, type OutputPlan, type PlannedFile, planOutputs } from "./plan-outputs.ts";
export { strangeText } from "./strange-format.ts";
export type { ModelFiles, TensorPlace, WeightsFile } from "./types.ts";
export { type DigestOptions, fileDigest, weightsDigest } from "./weights-digest.ts";
export { parseWritten, textOfWritten, valueOfWritten, type WrittenJson, type WrittenObject, writtenNumber } from "./written-json.ts";
