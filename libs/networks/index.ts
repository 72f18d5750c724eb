export { NetworkOptionsError, UnknownNetworkError } from "./errors.ts";
export { type NetworkNeeds, networkNames, networkOf } from "./network-of.ts";
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
