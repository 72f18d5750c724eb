import { costOf, type NetworkCost, NetworkOptionsError, networkNames, networkOf } from "#libs/networks";
import { type PredictParameters, RecipeError, type TrainParameters } from "#libs/recipes";
import type { NeedsOfKind } from "./kind-needs.ts";

/**
 * Copies of a network's tensors at the largest while it is trained: those it starts from, parameters, gradient and two moments of Adam, the
 * best so far, a checkpoint of four of those, and the encoded model.
 */
const TRAINING_COPIES = 12;
/** Of a step's values: themselves, and their gradients with what an operation needs beside. */
const TRAINING_VALUES = 2;
/** Where the head alone is trained there are no gradients to speak of. */
const HEAD_VALUES = 1;
/** Of what is only computed forward: what enters an operation, what it gives, and what it needs beside. */
const FORWARD_VALUES = 3;
/** While it predicts: the model as a file, its tensors, and the sum of several. */
const PREDICTION_COPIES = 4;
/** Rows that are predicted at a time. */
const PREDICTION_ROWS = 64;
/** Decoded pictures that wait for their step, or are kept for another. */
const PICTURES_BYTES = 256 * 2 ** 20;

/** Of a training: twelve copies of the network's tensors, and twice all values that a step computes, or once where the head alone is trained. */
export const trainingNeeds: NeedsOfKind = ({ parameters }, weightsBytes) => {
  const { network, classes, batch, domains, trainable } = parameters as TrainParameters;
  const { bytes, activationBytes } = costOfNetwork(network, classes, weightsBytes);
  const forTensors = bytes * TRAINING_COPIES;
  const forValues = activationBytes * batch * domains.length * (trainable === "head" ? HEAD_VALUES : TRAINING_VALUES);
  const field = forTensors >= forValues ? "network" : "batch";
  return { bytes: forTensors + forValues + PICTURES_BYTES, field, network: network.name };
};

/** Of a prediction, of one model or of the mean of any number. */
export const predictionNeeds: NeedsOfKind = ({ parameters }, weightsBytes) => {
  const { network, classes } = parameters as PredictParameters;
  const { bytes, largestBytes } = costOfNetwork(network, classes, weightsBytes);
  const all = bytes * PREDICTION_COPIES + largestBytes * PREDICTION_ROWS * FORWARD_VALUES + PICTURES_BYTES;
  return { bytes: all, field: "network", network: network.name };
};

/** Of a network that only its trainers know nothing is known but the weights that go in. */
const UNKNOWN: NetworkCost = { parameters: 0, bytes: 0, multiplyAdds: 0, activationBytes: 0, largestBytes: 0 };

function costOfNetwork({ name, ...needs }: TrainParameters["network"], classes: number, weightsBytes: number): NetworkCost {
  if (!networkNames().includes(name)) return { ...UNKNOWN, bytes: weightsBytes };
  try {
    return costOf(networkOf(name, { ...needs, classes } as Parameters<typeof networkOf>[1]));
  } catch (error) {
    if (error instanceof NetworkOptionsError) throw new RecipeError("parameters.network", error.message, { cause: error });
    throw error;
  }
}
