export { everywhere, isPart, mapped, withTying } from "./config-parts.ts";
export { recipeName } from "./describe.ts";
export { type DigestCache, openDigestCache } from "./digest-cache.ts";
export { ModelError } from "./errors.ts";
export { LAYER_COUNTS, type LayerOf } from "./layers.ts";
export { modulesOf } from "./modules.ts";
export { openModel } from "./open-model.ts";
export { indexNameOf, type OutputOptions, type OutputPlan, type PlannedFile, planOutputs, stemOf } from "./plan-outputs.ts";
export { provisionalDigest } from "./provisional-digest.ts";
export { formatByName, isTorchName, strangeText, withoutPart } from "./strange-format.ts";
export type { ModelFiles, TensorPlace, WeightsFile } from "./types.ts";
export { type DigestedFile, type DigestOptions, fileDigest, SAVED_BY_TORCH, weightsDigest } from "./weights-digest.ts";
export {
  numberOfWritten,
  parseWritten,
  textOfWritten,
  valueOfWritten,
  type WrittenJson,
  type WrittenObject,
  writtenNumber,
} from "./written-json.ts";
