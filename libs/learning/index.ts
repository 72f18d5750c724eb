export { openBackend } from "./backend.ts";
export { runBareSteps } from "./bare.ts";
export type { Examples } from "./batches.ts";
export { CHECKPOINT_FORMAT, type Checkpoint, decodeCheckpoint, savedState } from "./checkpoint.ts";
export {
  createModel,
  crossEntropy,
  type Engine,
  EngineMissingError,
  type EngineName,
  gradientPass,
  OutOfMemoryError,
  openEngine,
  planOf,
} from "./engines/index.ts";
export { NonFiniteLossError, UnfitInputError } from "./errors.ts";
export { featurizerOf, headOf, headWeights, initialWeights } from "./initial.ts";
export type { Weights } from "./layout.ts";
export {
  type DecodedNetworkCheckpoint,
  decodeNetworkCheckpoint,
  NETWORK_CHECKPOINT,
  type NetworkStep,
  type NetworkTraining,
  predictNetwork,
  runNetworkSteps,
  trainNetwork,
} from "./loop/index.ts";
export type { Backend } from "./matrix.ts";
export { predict } from "./predict.ts";
export type { LabelledData } from "./prepare.ts";
export type { SavedState } from "./saved-state.ts";
export { predictions, score } from "./score.ts";
export { type Training, type TrainResult, type TrainStep, trainMlp } from "./train.ts";
