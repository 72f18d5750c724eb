export {
  createModel,
  crossEntropy,
  type Engine,
  EngineMissingError,
  gradientPass,
  OutOfMemoryError,
  openEngine,
  planOf,
} from "./engines/index.ts";
export { NonFiniteLossError, UnfitInputError } from "./errors.ts";
export {
  type DecodedNetworkCheckpoint,
  decodeNetworkCheckpoint,
  NETWORK_CHECKPOINT,
  type NetworkStep,
  type NetworkTraining,
  predictNetwork,
  runNetworkSteps,
  trainNetwork,
  type ValidationPass,
} from "./loop/index.ts";
export { openBackend } from "./mlp/backend.ts";
export { runBareSteps } from "./mlp/bare.ts";
export type { Examples } from "./mlp/batches.ts";
export { CHECKPOINT_FORMAT, type Checkpoint, decodeCheckpoint, savedState } from "./mlp/checkpoint.ts";
export { featurizerOf, headOf, headWeights, initialWeights } from "./mlp/initial.ts";
export type { Weights } from "./mlp/layout.ts";
export type { Backend } from "./mlp/matrix.ts";
export { predict } from "./mlp/predict.ts";
export type { LabelledData } from "./mlp/prepare.ts";
export { predictions, score } from "./mlp/score.ts";
export { type Training, type TrainResult, type TrainStep, trainMlp } from "./mlp/train.ts";
export type { SavedState } from "./saved-state.ts";
