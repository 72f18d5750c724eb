export { costOf, type NetworkCost } from "./cost.ts";
export { NetworkOptionsError, UnfitWeightsError, UnknownNetworkError } from "./errors.ts";
export { type FittedWeights, fitWeights, type GivenTensor, type GivenWeights, type HeadRule } from "./fit-weights.ts";
export { initialise } from "./initialise.ts";
export { type NetworkNeeds, networkNames, networkOf } from "./network-of.ts";
export { pythonSnippet } from "./python.ts";
export { recogniseNetwork } from "./recognise.ts";
export { outputShapes } from "./shapes.ts";
export {
  INPUT,
  type Init,
  type Library,
  type Network,
  type NetworkInput,
  type NetworkOptions,
  type NetworkTensor,
  type NetworkWeights,
  type Op,
  type TensorSpec,
  type Value,
} from "./types.ts";
