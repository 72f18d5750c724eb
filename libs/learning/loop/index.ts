export { runNetworkSteps } from "./bare-network.ts";
export { type DecodedNetworkCheckpoint, decodeNetworkCheckpoint, NETWORK_CHECKPOINT } from "./checkpoint.ts";
export { predictNetwork } from "./predict-network.ts";
export { type NetworkStep, type NetworkTraining, trainNetwork } from "./train-network.ts";
export type { ValidationPass } from "./validate.ts";
